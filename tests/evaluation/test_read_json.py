"""Truth as JSON, from QVHighlights and from the sample."""

from pathlib import Path

import pytest

from clip_core.errors import TruthError
from clip_core.evaluation.ground_truth import Absence, Span, Truth, read_json, read_truth

ROOT = Path(__file__).parents[2]
DEEP = "[" * 100_000


def read(text: str) -> Truth:
    return read_json(text, "truth.json")


QV = """\
{"qid": 1, "query": "a dog", "vid": "v_1", "duration": 150, "relevant_windows": [[0, 4.5], [10, 12]]}

{"qid": 2, "query": "an elephant", "vid": "v_1", "relevant_windows": []}
{"qid": 3, "query": "pizza", "relevant_windows": [[1, 2]]}
"""


@pytest.mark.parametrize("text", [QV, QV.replace("\n", "\r\n")])
def test_the_lines_of_qvhighlights(text: str) -> None:
    truth = read(text)
    assert truth.spans == (Span("a dog", 0, 4.5, "v_1"), Span("a dog", 10, 12, "v_1"), Span("pizza", 1, 2))
    assert truth.absent == (Absence("an elephant", "v_1"),)
    assert read(QV.split("\n")[0]).prompts == ("a dog",)


def test_the_samples_own_truth() -> None:
    truth = read_truth((ROOT / "data" / "sample.truth.json").read_bytes(), "sample.truth.json")
    assert len(truth.spans) == 8
    assert truth.spans[0] == Span("a dog", 1.3667, 7.7667)
    assert truth.absent == (Absence("an elephant"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"query": "a", "relevant_windows": [[0, 1]]}\n{oops\n', r"^truth\.json, line 2: not JSON \("),
        ('{"query": " ", "relevant_windows": []}', r"line 1: there is no query\. Lines look like"),
        ('{"relevant_windows": []}', r"line 1: there is no query"),
        ('{"query": "a"}', r"line 1: there are no relevant_windows"),
        ('{"query": "a", "relevant_windows": [[0]]}', r"line 1: \[0\] is not \[start, end\] in seconds"),
        ('{"query": "a", "relevant_windows": [[0, true]]}', r"line 1: \[0, true\] is no"),
        ('{"query": "a", "relevant_windows": [[5, 4]]}', r"line 1: the end 4 is not after the start 5"),
        ('{"query": "a", "relevant_windows": [[-1, 4]]}', r"line 1: \[-1, 4\] is no"),
        ('{"query": "a", "relevant_windows": [[0, NaN]]}', r"line 1: not JSON \(NaN is not a number\)"),
        ('{"query": "a", "relevant_windows": [[0, 1e999]]}', r"line 1: \[0, Infinity\] is no"),
        ('{"query": "a", "relevant_windows": [[0, ' + "9" * 400 + "]]}", r"line 1: \[0, 9+ is no"),
        ('{"query": "a", "relevant_windows": [[0, ' + "9" * 9000 + "]]}", r"line 1: not JSON \("),
        ('{"query": ' + DEEP, r"line 1: not JSON \(nested too deeply\)"),
        ('{"visible": {}}', r"'visible' and 'absent' must be lists"),
        ('{"visible": [3]}', r"^truth\.json, entry 1 of 'visible': there is no prompt\."),
        ('{"visible": [{"prompt": "a", "start_s": 1}]}', r"entry 1 of 'visible': \[1, null\] is not \[start, end\]"),
        ('{"visible": [], "absent": [""]}', r"an entry of 'absent' is not a prompt"),
        ('{"visible": [,]}', r"^truth\.json is not JSON \("),
    ],
)
def test_what_cannot_be_understood_is_refused_by_its_place(text: str, said: str) -> None:
    with pytest.raises(TruthError, match=said) as caught:
        read(text)
    assert len(caught.value.line) <= 200
    assert caught.value.line.isprintable()
