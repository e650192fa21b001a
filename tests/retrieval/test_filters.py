"""Which videos a filter includes, by their records alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clip_core.retrieval.filters import SearchFilter, rejected_spans, shape_of
from clip_core.store.videos import summary_of
from clip_core.types import Annotation
from tests.store.test_store import record


@pytest.mark.parametrize(
    ("where", "included"),
    [
        (SearchFilter(), True),
        (SearchFilter(recorded_from_s=100.0), True),
        (SearchFilter(recorded_from_s=100.1), False),
        (SearchFilter(recorded_to_s=100.0), False),
        (SearchFilter(added_to_s=1000.5), False),
        (SearchFilter(added_from_s=1000.5, name="SP ACE"), True),
        (SearchFilter(shortest_s=36.7, longest_s=36.7), True),
        (SearchFilter(longest_s=36.6), False),
    ],
)
def test_a_filter_includes_what_fits_all_of_it(where: SearchFilter, included: bool) -> None:
    assert where.includes(summary_of(record(recorded_s=100.0))) is included


def test_a_video_that_does_not_say_when_it_was_recorded_is_left_out_of_dates() -> None:
    assert not SearchFilter(recorded_from_s=0.0).includes(summary_of(record()))
    assert SearchFilter().includes(summary_of(record()))


def test_a_folder_is_a_folder_and_not_the_beginning_of_a_name() -> None:
    film = summary_of(replace(record(), path="/films/trips/1.mp4"))
    assert [SearchFilter(folder=f).includes(film) for f in ("/films", "/films/", "/films/trip", "/")] == [
        True, True, False, True,
    ]  # fmt: skip


def test_shapes() -> None:
    assert [shape_of(*size) for size in ((2, 1), (1, 2), (1, 1))] == ["landscape", "portrait", "square"]


def test_only_rejections_for_the_texts_count() -> None:
    annotations = tuple(
        Annotation(prompt, 1.0, 0.5, 2.0, verdict)  # type: ignore[arg-type]
        for prompt, verdict in (("a", "rejected"), ("b", "rejected"), ("c", "accepted"))
    )
    assert rejected_spans(annotations, ("a", "c")) == [(0.5, 2.0)]
