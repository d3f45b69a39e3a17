"""Words that are not known are named, with the nearest that is; what is known stays allowed."""

from __future__ import annotations

import argparse

import pytest

from tandem_operator.cli.main import VERBS, main, parser_of

WORDS = {
    "init": ["TARGET"],
    "verify-pair": ["TARGET", "DRAFT"],
    "plan": ["-f", "FILE"],
    "simulate": ["--concurrency", "1", "--profile", "P"],
    "bench": ["--endpoint", "URL", "--out", "FILE"],
    "explain": ["NAME"],
    "completion": ["bash"],
}


def flags_of(verb: str) -> list[str]:
    parser = parser_of(verb)
    [choices] = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    return [flag for flag in choices.choices[verb]._option_string_actions if len(flag) > 2]


ALL = [(verb, flag) for verb in VERBS for flag in flags_of(verb)]


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(("verb", "flag"), ALL)
@pytest.mark.parametrize("typo", ["shorter", "swapped", "doubled"])
def test_a_typo_in_any_flag_is_named_with_what_was_meant(
    verb: str, flag: str, typo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = {
        "shorter": flag[:-1],
        "swapped": flag[:2] + flag[3] + flag[2] + flag[4:],
        "doubled": flag + flag[-1],
    }[typo]
    if wrong in flags_of(verb):
        pytest.skip(f"{wrong} is a flag")

    message = refused([verb, *WORDS.get(verb, []), wrong], capsys)

    assert f"there is no flag {wrong}," in message
    assert "did you mean --" in message


@pytest.mark.parametrize("verb", VERBS)
def test_a_typo_is_named_even_where_something_is_missing(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "there is no flag --no-such-flag" in refused([verb, "--no-such-flag"], capsys)


def test_a_typo_in_a_value_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "'jsno' is no value here, did you mean json?" in refused(
        ["status", "-o", "jsno"], capsys
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["verify-pair", "--engine", "vllm", "T"], "'vllm' is no value here, did you mean vLLM?"),
        (["verify-pair", "--policy", "exact", "T"], "did you mean Exact?"),
        (["simulate", "--profile", "p", "--concurrency", "1.5"], "'1.5' is no whole number"),
        (["simulate", "--profile", "p", "--concurrency", "1", "--rate", "x"], "'x' is no number"),
    ],
)
def test_a_value_of_another_kind_is_told_in_words(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused(words, capsys)


@pytest.mark.parametrize(
    ("words", "argument"),
    [
        (["verify-pair", "", "DRAFT"], "TARGET"),
        (["explain", ""], "NAME"),
        (["status", "-n", ""], "-n/--namespace"),
        (["plan", "-f", "a.yaml", "--runtime-image="], "--runtime-image"),
        (["simulate", "--profile", "p", "--concurrency", ""], "--concurrency"),
    ],
)
def test_a_value_that_is_empty_is_refused(
    words: list[str], argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"argument {argument}: is empty: give a value or leave it out" in refused(words, capsys)


def test_one_argument_too_many_is_told_by_the_verb(capsys: pytest.CaptureFixture[str]) -> None:
    error_text = refused(["status", "chat", "code"], capsys)
    assert error_text.startswith("tandem status: there is no argument for 'code'")
    assert "(see tandem status --help)" in error_text


def test_a_typo_in_the_verb_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "'explian' is no verb here, did you mean explain?" in refused(["explian"], capsys)


@pytest.mark.parametrize(
    "words", [["-nshop"], ["-n", "shop"], ["--namespace=shop"], ["-ojson"], ["--", "-odd-name"]]
)
def test_every_way_to_write_a_flag_stays(words: list[str]) -> None:
    assert parser_of("status").parse_args(["status", *words]).verb == "status"


def test_standard_input_and_negative_numbers_are_no_flags() -> None:
    assert parser_of("plan").parse_args(["plan", "-f", "-", "-f", "b.yaml"]).filename == [
        "-",
        "b.yaml",
    ]
    words = ["simulate", "--concurrency", "-3", "--profile", "p"]
    assert parser_of("simulate").parse_args(words).concurrency == -3


def test_all_verbs_that_print_take_all_forms() -> None:
    printing = [verb for verb in VERBS if verb not in ("completion",)]
    for verb in printing:
        for form in ("text", "json", "yaml"):
            words = [verb, *WORDS.get(verb, []), "-o", form]
            assert parser_of(verb).parse_args(words).output == form, verb


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("tandem 0.")
