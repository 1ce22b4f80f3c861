"""What docs/prompts.md shows is what happens."""

from pathlib import Path

from tests.docs.pages import blocks, commands, looks_like, run

PAGE = Path("docs/prompts.md")


def test_the_command_prints_what_is_shown(tmp_path: Path) -> None:
    """The page's configuration, and the prompt that it makes."""
    (configuration,) = blocks(PAGE, "yaml")
    (tmp_path / "quarry.yaml").write_text(configuration.text)
    (command,) = commands(PAGE)
    (shown,) = [block.output for block in blocks(PAGE, "console")]

    printed = run(["bash", "-euc", command], tmp_path)

    assert shown is not None
    assert looks_like(shown, printed), printed
