"""Guardrails: words that they block, e-mail addresses that they mask, and what AWS says when they do. Knows no dialect.

Source: botocore's service model 2023-09-30 for ``ApplyGuardrail`` and Converse; for InvokeModel recorded replies of Titan
and Nova of 2024 and 2025: the action beside the body, whole numbers as floats. A word or an address may be looked for on
one side alone, as ``inputEnabled`` and ``outputEnabled`` of the control plane's model let it.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from gateway.sandbox.conversation import Answer, Ask
from gateway.sandbox.errors import AwsError, invalid
from gateway.sandbox.profiles import ACCOUNT
from gateway.sandbox.tokens import pieces

Json = dict[str, Any]
Source = Literal["INPUT", "OUTPUT"]

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_VERSION = re.compile(r"[1-9][0-9]{0,7}|DRAFT")
_UNIT_CHARACTERS = 1000
_POLICIES = ("topic", "content", "word", "sensitiveInformation", "contextualGrounding")


class Sides(Struct, frozen=True, forbid_unknown_fields=True):
    """Where something is looked for."""

    input: bool = True
    output: bool = True

    def holds(self, source: Source) -> bool:
        """Whether it is looked for there."""
        return self.input if source == "INPUT" else self.output


class Guardrail(Struct, frozen=True, forbid_unknown_fields=True):
    """One guardrail of the account; it has the version ``1`` beside its draft.

    Attributes:
        id: Lower-case letters and digits.
        words: Words to block, in whatever case, and where.
        emails: Where e-mail addresses are masked; ``None``: nowhere.
        input_message, output_message: What stands in the place of what was blocked.
    """

    id: str
    words: dict[str, Sides] = {}
    emails: Sides | None = None
    input_message: str = "Sorry, I cannot answer that."
    output_message: str = "Sorry, the answer to that was blocked."

    def arn(self, region: str) -> str:
        return f"arn:aws:bedrock:{region}:{ACCOUNT}:guardrail/{self.id}"

    def message(self, source: Source) -> str:
        return self.input_message if source == "INPUT" else self.output_message


def guardrails() -> tuple[Guardrail, ...]:
    """What the account holds: one that looks at both sides, but for one word that is blocked in answers alone."""
    return (
        Guardrail(
            "n8guardra1l0",
            words={"contraband": Sides(), "smuggler": Sides(input=False)},
            emails=Sides(),
        ),
    )


class Judgement(NamedTuple):
    """What a guardrail says of some texts.

    Attributes:
        texts: As they may go on; the message alone when they were blocked.
        assessment: AWS's account of it.
    """

    action: Literal["NONE", "ANONYMIZED", "BLOCKED"]
    texts: tuple[str, ...]
    assessment: Json


def judge(guardrail: Guardrail, source: Source, texts: Sequence[str]) -> Judgement:
    """Look at texts together, as one call does."""
    said = "\n".join(texts)
    words = [
        word
        for word, sides in guardrail.words.items()
        if sides.holds(source) and re.search(rf"\b{re.escape(word)}\b", said, re.IGNORECASE)
    ]
    addresses = _EMAIL.findall(said) if guardrail.emails and guardrail.emails.holds(source) else []
    assessment: Json = {}
    if words:
        found = [{"match": word, "action": "BLOCKED", "detected": True} for word in words]
        assessment["wordPolicy"] = {"customWords": found, "managedWordLists": []}
    if addresses:
        entities = [{"match": text, "type": "EMAIL", "action": "ANONYMIZED", "detected": True} for text in addresses]
        assessment["sensitiveInformationPolicy"] = {"piiEntities": entities, "regexes": []}
    if words:
        return Judgement("BLOCKED", (guardrail.message(source),), assessment)
    if addresses:
        return Judgement("ANONYMIZED", tuple(_EMAIL.sub("{EMAIL}", text) for text in texts), assessment)
    return Judgement("NONE", tuple(texts), assessment)


def applied(guardrail: Guardrail, source: Source, texts: Sequence[str]) -> Json:
    """The reply of ``ApplyGuardrail``; of what was masked one output for each text."""
    judgement = judge(guardrail, source, texts)
    characters = sum(map(len, texts))
    units = -(-characters // _UNIT_CHARACTERS)
    told: Json = {f"{policy}PolicyUnits": 0 for policy in _POLICIES}
    told |= {"wordPolicyUnits": units, "sensitiveInformationPolicyUnits": units, "sensitiveInformationPolicyFreeUnits": 0}
    reply: Json = {
        "usage": told,
        "action": "NONE" if judgement.action == "NONE" else "GUARDRAIL_INTERVENED",
        "outputs": [] if judgement.action == "NONE" else [{"text": text} for text in judgement.texts],
        "assessments": [judgement.assessment],
        "guardrailCoverage": {"textCharacters": {"guarded": characters, "total": characters}},
    }
    reasons = {"BLOCKED": "Guardrail blocked.", "ANONYMIZED": "Guardrail masked."}
    return reply | ({"actionReason": reasons[judgement.action]} if judgement.action in reasons else {})


class Guarded(NamedTuple):
    """An answer that went through a guardrail, or not.

    Attributes:
        guardrail: ``None``: none was asked for.
        input, output: What it said; ``None`` of an answer that was never made.
    """

    answer: Answer
    guardrail: Guardrail | None = None
    input: Judgement | None = None
    output: Judgement | None = None

    @property
    def intervened(self) -> bool:
        return any(judgement is not None and judgement.action != "NONE" for judgement in (self.input, self.output))


def guarded(guardrail: Guardrail | None, ask: Ask, answer: Callable[[Ask], Answer]) -> Guarded:
    """Let a model answer behind a guardrail: what users and tools say is judged before, the answer after."""
    if guardrail is None:
        return Guarded(answer(ask))
    asked = judge(guardrail, "INPUT", [turn.text for turn in ask.turns if turn.role != "system"])
    if asked.action == "BLOCKED":
        return Guarded(_refusal(asked, 0), guardrail, asked)
    said = answer(_masked(ask, asked) if asked.action == "ANONYMIZED" else ask)
    judged = judge(guardrail, "OUTPUT", ["".join(part) for part in (said.thought, said.pieces, said.call_pieces)])
    if judged.action == "BLOCKED":
        return Guarded(_refusal(judged, said.input_tokens), guardrail, asked, judged)
    if judged.action == "ANONYMIZED" and said.call is None:
        said = replace(said, thought=tuple(pieces(judged.texts[0])), pieces=tuple(pieces(judged.texts[1])))
    return Guarded(said, guardrail, asked, judged)


def _refusal(judgement: Judgement, input_tokens: int) -> Answer:
    return Answer(tuple(pieces(judgement.texts[0])), "stop", input_tokens)


def _masked(ask: Ask, judgement: Judgement) -> Ask:
    told = iter(judgement.texts)
    turns = tuple(turn if turn.role == "system" else replace(turn, text=next(told)) for turn in ask.turns)
    return replace(ask, turns=turns, prompt=_EMAIL.sub("{EMAIL}", ask.prompt))


def marked(body: Json, told: Guarded) -> Json:
    """A native body, or one chunk of a stream, as it leaves a guardrail."""
    if told.guardrail is None:
        return body
    return {**_floated(body, told), "amazon-bedrock-guardrailAction": "INTERVENED" if told.intervened else "NONE"}


def _floated(value: Any, told: Guarded) -> Any:
    """Whole numbers as floats; and of an intervention the reasons that are recorded: none of Titan's, a word of Nova's."""
    if isinstance(value, dict):
        own = {"completionReason": None, "stopReason": "guardrail_intervened"} if told.intervened else {}
        return {name: own[name] if name in own and member else _floated(member, told) for name, member in value.items()}
    if isinstance(value, list):
        return [_floated(entry, told) for entry in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def native_trace(told: Guarded) -> Json:
    """What a native body says of a guardrail when it is asked to."""
    if told.guardrail is None:
        return {}
    own: Json = {"input": {told.guardrail.id: told.input.assessment}} if told.input else {}
    own |= {"outputs": [{told.guardrail.id: told.output.assessment}]} if told.output else {}
    return {"amazon-bedrock-trace": {"guardrail": own}}


def converse_trace(told: Guarded) -> Json:
    """The same of Converse."""
    if told.guardrail is None:
        return {}
    own: Json = {"inputAssessment": {told.guardrail.id: told.input.assessment}} if told.input else {}
    own |= {"outputAssessments": {told.guardrail.id: [told.output.assessment]}} if told.output else {}
    return {"trace": {"guardrail": own}}


class Rails:
    """The account's guardrails, found by what AWS accepts as ``guardrailIdentifier``."""

    def __init__(self, entries: Sequence[Guardrail], region: str) -> None:
        self.entries = tuple(entries)
        self._known = {name: entry for entry in entries for name in (entry.id, entry.arn(region))}

    def find(self, identifier: str | None, version: str | None) -> Guardrail | None:
        """The guardrail that a request to a model names, if it names one.

        Raises:
            AwsError: ``ValidationException``: half a name, or nothing's.
        """
        if not identifier and not version:
            return None
        if not identifier or not version or not _VERSION.fullmatch(version):
            raise invalid("A guardrail needs both an identifier and a version.")
        found = self._known.get(identifier)
        if found is None or version not in {"1", "DRAFT"}:
            raise invalid("The guardrail identifier or version provided in the request does not exist.")
        return found

    def known(self, identifier: str, version: str) -> Guardrail:
        """The guardrail that ``ApplyGuardrail`` names.

        Raises:
            AwsError: ``ResourceNotFoundException``, or ``ValidationException`` for a version of another form.
        """
        if not _VERSION.fullmatch(version):
            raise invalid(f"Value at 'guardrailVersion' failed to satisfy constraint: {version}")
        found = self._known.get(identifier)
        if found is None or version not in {"1", "DRAFT"}:
            raise AwsError(
                "ResourceNotFoundException", "The guardrail identifier or version provided in the request does not exist."
            )
        return found
