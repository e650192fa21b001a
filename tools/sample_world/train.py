"""Train the sample CLIP: `python -m tools.sample_world.train --work-dir DIR --total-steps N` (resumes by itself)."""

from __future__ import annotations

import argparse
import logging
import math
import signal
import time
from pathlib import Path
from threading import Event
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.sample_world.batches import Batch, BatchMaker
from tools.sample_world.glyphs import FONT_FILE, build_levels, draw_glyph
from tools.sample_world.model import SampleClip
from tools.sample_world.text import build_tokenizer
from tools.sample_world.vocabulary import CLDR_ANNOTATIONS, build_vocabulary

PEAK_RATE = 2e-3
WARM_UP_STEPS = 300
LOOSE_RATE_FACTOR = 4.0
"""Scale and bias of the loss learn faster than the weights: a sharper scale tells "there" from "not there" better."""
EMA_DECAY = 0.998
CHECKPOINT_NAME = "checkpoint.pt"

log = logging.getLogger("sample_world.train")


def learning_rate(step: int, total_steps: int) -> float:
    """Linear warm-up, then a half cosine down to zero at the last step."""
    if step < WARM_UP_STEPS:
        return PEAK_RATE * (step + 1) / WARM_UP_STEPS
    progress = (step - WARM_UP_STEPS) / max(1, total_steps - WARM_UP_STEPS)
    return PEAK_RATE * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


class Trainer:
    """The model with its optimizer, its moving average of weights, and the checkpoint that holds all of it."""

    def __init__(self, n_words: int, batches: BatchMaker, work_dir: Path, total_steps: int) -> None:
        self.step = 0
        self._total_steps = total_steps
        self._batches = batches
        self._path = work_dir / CHECKPOINT_NAME
        self._model = SampleClip(n_words)
        self._model.image.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        loose = [self._model.log_scale, self._model.bias]
        towers = [*self._model.image.parameters(), *self._model.text.parameters()]
        groups = [{"params": towers, "weight_decay": 0.02}, {"params": loose, "weight_decay": 0.0}]
        self._optimizer = torch.optim.AdamW(groups, lr=PEAK_RATE)
        self._average = {name: value.clone() for name, value in self._model.state_dict().items()}

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one."""
        if not self._path.exists():
            return
        state: dict[str, Any] = torch.load(self._path, weights_only=True)
        self._model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._average = state["average"]
        self.step = state["step"]
        torch.set_rng_state(state["rng"])
        log.info("resumed %s at step %d", self._path, self.step)

    def save(self) -> None:
        """Write the checkpoint in one move, so that a killed run leaves the one before."""
        state = {
            "model": self._model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average,
            "step": self.step,
            "total_steps": self._total_steps,
            "rng": torch.get_rng_state(),
        }
        partial = self._path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self._path)

    def train_step(self, n_pictures: int) -> float:
        """One step; returns the loss per picture."""
        rate = learning_rate(self.step, self._total_steps)
        for group, factor in zip(self._optimizer.param_groups, (1.0, LOOSE_RATE_FACTOR), strict=True):
            group["lr"] = rate * factor
        loss = self._loss(self._batches.make(n_pictures))
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self._optimizer.step()
        self.step += 1
        self._update_average()
        return loss.item()

    def _loss(self, batch: Batch) -> Tensor:
        pixels = batch.pixels.to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            image_embeds = self._model.image(pixels)
        logits = self._model.logits(image_embeds.float(), self._model.text(batch.ids))
        loss = functional.binary_cross_entropy_with_logits(logits, batch.matches, batch.weights, reduction="sum")
        return loss / len(pixels)

    def _update_average(self) -> None:
        decay = min(EMA_DECAY, (self.step + 1) / (self.step + 20))
        for name, value in self._model.state_dict().items():
            if value.is_floating_point():
                self._average[name].lerp_(value, 1 - decay)
            else:
                self._average[name].copy_(value)


def main() -> None:
    """Train from the checkpoint in the work folder (or from the seed) to the last step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work-dir", type=Path, required=True, help="checkpoints go here; outside the repository")
    parser.add_argument("--total-steps", type=int, default=14_000, help="the learning rate reaches zero here")
    parser.add_argument("--batch", type=int, default=128, help="pictures a step")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save-every", type=int, default=250, help="steps between checkpoints")
    parser.add_argument("--cldr", type=Path, default=CLDR_ANNOTATIONS)
    parser.add_argument("--font", type=Path, default=FONT_FILE)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(options.seed)
    options.work_dir.mkdir(parents=True, exist_ok=True)

    vocabulary = build_vocabulary(options.cldr)
    words = vocabulary.words()
    glyphs = [draw_glyph(glyph, options.font) for concept in vocabulary.concepts for glyph in concept.glyphs]
    batches = BatchMaker(vocabulary, build_tokenizer(words), build_levels(glyphs))
    trainer = Trainer(len(words) + 2, batches, options.work_dir, options.total_steps)
    trainer.resume()
    run(trainer, options.total_steps, options.batch, options.save_every)


def run(trainer: Trainer, total_steps: int, n_pictures: int, save_every: int) -> None:
    """Steps until the total or a polite kill, a line in the log every 100, a checkpoint every `save_every`."""
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    began_s, losses = time.monotonic(), []
    while trainer.step < total_steps and not stopping.is_set():
        losses.append(trainer.train_step(n_pictures))
        if trainer.step % 100 == 0:
            seconds = (time.monotonic() - began_s) / len(losses)
            log.info("step %d  loss %.3f  %.3f s/step", trainer.step, sum(losses) / len(losses), seconds)
            began_s, losses = time.monotonic(), []
        if trainer.step % save_every == 0:
            trainer.save()
    trainer.save()


if __name__ == "__main__":
    main()
