"""A video and a model → all that moments are made of; kept from call to call, so that only what is new is computed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from clip_core.encoders.base import Encoder
from clip_core.pipeline.score_prompts import (
    clean_prompts,
    learn_prompts,
    read_new_frames,
    table_of,
    text_vectors,
)
from clip_core.recipe import Recipe
from clip_core.scoring.curves import Curves
from clip_core.scoring.cuts import Neighbours, find_cuts
from clip_core.scoring.findings import BankFacts, Evidence
from clip_core.scoring.keys import ensemble_key
from clip_core.scoring.null_bank import NullBank, null_captions
from clip_core.scoring.templates import TemplateSet, filled, ribbon
from clip_core.store.store import EmbeddingStore
from clip_core.values import Floats, Scores, TimeTable


class Analysis:
    """What is known so far of one video under one model. Not for several threads at once.

    Args:
        video_id: An indexed video.
        encoder: The model that its frames were embedded with.
        store: Where vectors of frames and texts are kept.
    """

    def __init__(self, video_id: str, encoder: Encoder, store: EmbeddingStore) -> None:
        self._video_id, self._encoder, self._store = video_id, encoder, store
        self.curves = Curves()
        self._neighbours = Neighbours()
        self._bank: NullBank | None = None
        self._known: tuple[object, Evidence] | None = None

    @property
    def bank_is_ready(self) -> bool:
        """Whether the captions of the null bank were embedded in this session."""
        return self._bank is not None

    def prepare_bank(self) -> None:
        """Embed the captions of the null bank, once for each model; then the store has them.

        Raises:
            EncoderError: The model failed.
        """
        if self._bank is None:
            captions = null_captions()
            vectors = text_vectors(captions, self._encoder, self._store)
            self._bank = NullBank(np.stack([vectors[caption] for caption in captions]))

    def evidence(self, recipe: Recipe, *, columns: tuple[str, ...] | None = None) -> Evidence:
        """Read what is new and return what is known.

        Args:
            recipe: Its prompts, negatives, templates, weights and whether the bank is asked.
            columns: Keys of pictures that stand for the prompts: they were added to ``curves`` before.

        Raises:
            NotIndexedError: The video was never begun with this model.
            PromptError: A prompt is empty.
            EncoderError: The model failed on new prompts or on the bank.
        """
        run = read_new_frames(self.curves, self._video_id, self._encoder, self._store)
        table = table_of(self._video_id, self._store)
        key = (
            *(recipe.positives, recipe.negatives, recipe.templates, tuple(sorted(recipe.weights.items())), columns),
            *(
                recipe.bank_share > 0,
                len(self.curves),
                self.curves.generation,
                run.finished,
                table.confirmed,
                table.end_s,
            ),
        )
        if self._known is None or self._known[0] != key:
            self._known = (key, self._gathered(recipe, columns, table, complete=run.finished))
        return self._known[1]

    def _gathered(
        self, recipe: Recipe, columns: tuple[str, ...] | None, table: TimeTable, *, complete: bool
    ) -> Evidence:
        texts = columns is None
        bank = None
        if texts and recipe.bank_share > 0 and recipe.positives:
            self.prepare_bank()
            bank = self._bank_facts()
        prompts = clean_prompts(recipe.positives) if columns is None else columns
        negatives = clean_prompts(recipe.negatives) if texts else ()
        set_of: TemplateSet = recipe.templates if texts else "none"
        if texts:
            learn_prompts(self.curves, [*prompts, *negatives], set_of, self._encoder, self._store)
        raw = self._scores(prompts, set_of, table, complete=complete)
        return Evidence(
            raw,
            self._scores(negatives, set_of, table, complete=complete),
            weights=recipe.weights,
            logit_scale=self._encoder.logit_scale,
            bank=bank,
            cuts_s=find_cuts(self._neighbours.distances(self.curves.vectors(), self.curves.order), raw.times_s),
        )

    def _scores(self, prompts: tuple[str, ...], templates: TemplateSet, table: TimeTable, *, complete: bool) -> Scores:
        keys = [ensemble_key(prompt, templates) for prompt in prompts]
        return replace(self.curves.scores(keys, table, complete=complete), prompts=prompts)

    def _bank_facts(self) -> BankFacts:
        if self._bank is None:
            raise ValueError("the bank was not prepared")
        levels = self._bank.follow(self.curves)
        return BankFacts(levels, self._bank.peaks.copy())

    def ribbons(self, recipe: Recipe) -> dict[str, tuple[Floats, Floats]]:
        """Prompt → lower and upper edge of its cosines over the templates, for those that have several wordings."""
        vectors = self.curves.vectors()[self.curves.order]
        found = {}
        for prompt in clean_prompts(recipe.positives):
            wordings = filled(prompt, recipe.templates)
            if len(wordings) > 1:
                known = text_vectors(wordings, self._encoder, self._store)
                found[prompt] = ribbon(vectors, np.stack([known[text] for text in wordings]))
        return found
