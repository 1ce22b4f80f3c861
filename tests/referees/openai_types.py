"""What a test asks of OpenAI's own types when it sets them to judge ours. Judges nothing by itself."""

import msgspec
import pydantic


def fields_of(kind: type[msgspec.Struct]) -> set[str]:
    """The fields of a Struct as they are spelled on the wire, its tag among them."""
    return {kind.__struct_config__.tag_field, *kind.__struct_encode_fields__} - {None}


def strangers(model: pydantic.BaseModel) -> set[str]:
    """Fields that the SDK's model does not know, at any depth."""
    found = set(model.model_extra or ())
    for _, value in model:
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, pydantic.BaseModel):
                found |= strangers(each)
    return found
