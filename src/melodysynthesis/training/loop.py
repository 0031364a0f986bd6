"""The loop: batches, update, now and then a validation and a checkpoint, until there is a reason to stop.

Everything that decides how a run goes on is in its checkpoint (weights, optimizer, average, random state, place in the
epoch, carried state), so a run that was interrupted continues with the very losses it would have had.
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from melodysynthesis.errors import TrainingError
from melodysynthesis.models.base import MelodyModel, State
from melodysynthesis.training import checkpoint
from melodysynthesis.training.batches import Batch, Batches
from melodysynthesis.training.checkpoint import Identity
from melodysynthesis.training.config import TrainingConfig, rate
from melodysynthesis.training.ema import Ema
from melodysynthesis.training.log import Log
from melodysynthesis.training.machinery import fabric_of, optimizer_of
from melodysynthesis.training.objective import Figures, Objective, to_tensors
from melodysynthesis.training.position import Position, Unwatched, Watch
from melodysynthesis.training.stopping import stop_signals


class Trainer:
    """A model, its data and how far training has come.

    Args:
        config: how to train.
        model: is trained in place; after `fit` it holds the last weights, the best ones are in their checkpoint.
        objective: what to minimise.
        training, validation: the batches.
        folder: of the run; exists.
        identity: what the checkpoints belong to.
        watch: who looks on.
    """

    def __init__(
        self,
        config: TrainingConfig,
        model: MelodyModel,
        objective: Objective,
        *,
        training: Batches,
        validation: Batches,
        folder: Path,
        identity: Identity,
        watch: Watch | None = None,
    ) -> None:
        if config.threads:
            torch.set_num_threads(config.threads)
        self.fabric = fabric_of(config)
        self.fabric.launch()
        self.config, self.objective, self.identity = config, objective, identity
        objective.move(self.fabric.device)
        self.training, self.validation, self.watch = training, validation, watch or Unwatched()
        self.last, self.best = folder / "checkpoints" / "last.safetensors", folder / "checkpoints" / "best.safetensors"
        self.folder, self.model = folder, model
        wrapped, optimizer = self.fabric.setup(model, optimizer_of(config, model, self.fabric.device))
        self.wrapped: nn.Module = wrapped
        self.optimizer: Any = optimizer
        self.ema = Ema(model, config.ema_decay) if config.ema_decay else None
        self.parts = config.accumulate * self.fabric.world_size
        self.carry: list[State | None] = [None] * config.accumulate
        self.at = Position()
        # Sums since the last validation, kept on the device so that no update waits for it: loss, norm of gradients.
        self.sums = torch.zeros(2, dtype=torch.float64, device=self.fabric.device)
        self.seen = (0.0, 0, 0.0)  # at the last look: loss, tokens and seconds
        self.begun = (0, 0.0)  # when what is measured now began, after a validation or here: tokens and seconds
        self.steps = sum(training.count(epoch) for epoch in range(config.epochs))
        torch.manual_seed(config.seed + self.fabric.global_rank)

    def fit(self) -> str:
        """Train until there is a reason to stop; returns it: finished, no gain, time or interrupted.

        Raises:
            TrainingError: when the loss stops being a number, or a file can't be written.
        """
        log = Log(self.folder, self.config.tensorboard, self.at.step) if self.fabric.is_global_zero else None
        self.log = log
        self.started = time.monotonic() - self.at.seconds
        self.seen = (float(self.sums[0]), self.at.tokens, self.at.seconds)
        self.begun = (self.at.tokens, self.at.seconds)
        self.model.train()
        try:
            with stop_signals() as stop:
                return self._is_over() or self._begin() or self._run(stop)
        finally:
            if log is not None:
                log.close()

    def _begin(self) -> str:
        """What the objective wants before the first update; why the run is over already, "" if it is not."""
        if self.at.step or not self.objective.begin(self.wrapped, self.training):
            return ""
        self.at.seconds = self._seconds()
        complaint = self._validate()
        return self._stop(complaint) if complaint else ""

    def _run(self, stop: threading.Event) -> str:
        config, at = self.config, self.at
        for epoch in range(at.epoch, config.epochs):
            batches = self.training.count(epoch)
            for batch in self.training.epoch(epoch, skip=at.batch):
                self._update(batch)
                if at.step % config.log_every == 0:
                    self._look()
                at.seconds, is_asked_to_stop = self._agree(stop)
                is_over = at.batch == batches
                out_of_time = bool(config.max_minutes) and at.seconds >= 60 * config.max_minutes
                complaint = ""
                if is_over or out_of_time or (config.validate_every and at.step % config.validate_every == 0):
                    complaint = self._validate()
                if is_over:
                    at.epoch, at.batch, self.carry = epoch + 1, 0, [None] * config.accumulate
                if complaint:
                    return self._stop(complaint)
                if config.patience and at.without_gain >= config.patience:
                    return self._stop("no gain")
                if out_of_time:
                    return self._stop("time")
                if is_asked_to_stop:
                    self._save()
                    return "interrupted"
                if is_over or at.step % config.checkpoint_every == 0:
                    self._save()
        return self._stop("finished")

    def _is_over(self) -> str:
        """Why a run that was resumed has nothing left to do; "" if it has, as when it got more epochs than it had."""
        at, config = self.at, self.config
        limit_is_reached = {
            "finished": at.epoch >= config.epochs,
            "no gain": bool(config.patience) and at.without_gain >= config.patience,
            "time": bool(config.max_minutes) and at.seconds >= 60 * config.max_minutes,
        }
        if not limit_is_reached.get(at.stopped, True):
            at.stopped = ""
        return at.stopped

    def _update(self, batch: Batch) -> None:
        at, config, fabric = self.at, self.config, self.fabric
        tokens = int(batch.mask.sum())
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        for i in range(config.accumulate):
            part = batch.part(fabric.global_rank * config.accumulate + i, self.parts)
            carry = self.carry[i] if batch.carries else None
            # Gradients are summed over the parts and exchanged between devices once, with the last of them.
            with fabric.no_backward_sync(self.wrapped, enabled=i < config.accumulate - 1):  # type: ignore[arg-type]
                loss, state = self.objective.loss(self.wrapped, to_tensors(part, fabric.device), carry)
                # DDP takes the mean over devices; the loss is meant per token of the whole batch.
                fabric.backward(loss * (fabric.world_size / max(tokens, 1)))
            if batch.carries:
                self.carry[i] = {name: tensor.detach() for name, tensor in state.items()}
            self.sums[0] += loss.detach()
        norm = fabric.clip_gradients(
            self.wrapped, self.optimizer, max_norm=config.clip or math.inf, error_if_nonfinite=False
        )
        self.sums[1] += norm.detach() if norm is not None else 0.0
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.ema is not None:
            self.ema.update()
        at.batch, at.step, at.tokens = at.batch + 1, at.step + 1, at.tokens + tokens

    def _rate(self) -> float:
        """The learning rate of the next update, by the share of steps or of time that is over, whichever is more."""
        progress = self.at.step / self.steps
        if self.config.max_minutes:
            progress = max(progress, self.at.seconds / (60 * self.config.max_minutes))
        return rate(self.config, min(progress, 1.0), self.at.step, self.at.falls)

    def _seconds(self) -> float:
        return time.monotonic() - self.started

    def _agree(self, stop: threading.Event) -> tuple[float, bool]:
        """The time and whether to stop, as the first process has it: all must take the same steps at the same rate."""
        mine = (self._seconds(), stop.is_set())
        return self.fabric.broadcast(mine) if self.fabric.world_size > 1 else mine

    def _check(self) -> float:
        """The loss since the last validation, which makes the device finish.

        Raises:
            TrainingError: if loss or gradients are no numbers.
        """
        sums = self.fabric.all_reduce(self.sums.clone(), reduce_op="sum") if self.fabric.world_size > 1 else self.sums
        assert isinstance(sums, torch.Tensor)
        loss, norms = sums.tolist()
        if not math.isfinite(loss + norms):
            raise TrainingError(self._lost(loss))
        return float(loss)

    def _look(self) -> None:
        """Tell whoever looks on how it goes."""
        at, (loss_before, tokens_before, seconds_before) = self.at, self.seen
        loss, seconds = self._check(), self._seconds()
        tokens = max(at.tokens - tokens_before, 1)
        lately, speed = (loss - loss_before) / tokens, tokens / max(seconds - seconds_before, 1e-9)
        self.seen = (loss, at.tokens, seconds)
        left = seconds / max(at.step, 1) * (self.steps - at.step)
        if self.config.max_minutes:
            left = min(left, 60 * self.config.max_minutes - seconds)
        self.watch.updated(at, self.steps, lately, speed, left)
        if self.log is not None:
            self.log.scalars(at.step, training__loss=lately, training__rate=self._rate(), training__tokens_per_s=speed)

    def _lost(self, loss: float) -> str:
        what = "the loss is" if not math.isfinite(loss) else "gradients or weights are"
        kept = (
            f"the checkpoint before it is whole: {self.last}" if self.last.is_file() else "there is no checkpoint yet"
        )
        return (
            f"{what} not a number any more at update {self.at.step} (epoch {self.at.epoch + 1}); {kept}. Try a "
            f"learning_rate below {self.config.learning_rate:g}, a smaller clip or a longer warm_up"
        )

    def _validate(self) -> str:
        """Validate, note whether it was the best so far, and keep it if so; returns what the objective objects to."""
        at, config = self.at, self.config
        rate_now, seconds = self._rate(), at.seconds
        train_loss = self._check() / at.tokens if at.tokens else None
        speed = (at.tokens - self.begun[0]) / max(seconds - self.begun[1], 1e-9)
        self.sums.zero_()
        at.tokens = 0
        with self.ema.swapped() if self.ema is not None else nullcontext():
            figures = self.evaluate(self.validation)
            complaint = self.objective.complaint(figures)
            value = -at.step if config.monitor == "last" else float(getattr(figures, config.monitor))
            is_best = value < at.best and not complaint
            if is_best:
                at.best, at.best_step, at.without_gain, at.waited = value, at.step, 0, 0
                self._save_best(figures)
            else:
                at.without_gain, at.waited = at.without_gain + 1, at.waited + 1
        if config.schedule == "plateau" and at.waited >= config.plateau_patience:
            at.falls, at.waited = at.falls + 1, 0
        line = {
            "step": at.step, "epoch": at.epoch + 1, "train_loss": train_loss, **asdict(figures), "best": is_best,
            "learning_rate": rate_now, "seconds": round(seconds, 2), "tokens_per_second": round(speed),
        }  # fmt: skip
        if self.log is not None:
            self.log.line(line)
            self.log.scalars(at.step, **{f"validation__{name}": value for name, value in asdict(figures).items()})
            self.watch.validated(line)
        self.seen, self.begun = (0.0, 0, self._seconds()), (0, self._seconds())
        return complaint

    @torch.no_grad()
    def evaluate(self, batches: Batches) -> Figures:
        """The figures of the model as it is."""
        self.model.eval()
        sums, carry = torch.zeros(5, dtype=torch.float64, device=self.fabric.device), None
        for batch in batches.epoch(0):
            found, state = self.objective.sums(self.wrapped, to_tensors(batch, self.fabric.device), carry)
            sums += found
            carry = state if batch.carries else None
        self.model.train()
        return self.objective.figures(self.wrapped, sums, batches)

    def _stop(self, reason: str) -> str:
        self.at.stopped = reason
        self._save()
        return reason

    def _save_best(self, figures: Figures) -> None:
        if self.fabric.is_global_zero:
            meta = {**self.identity.values(), "step": self.at.step, "figures": asdict(figures)}
            checkpoint.save(self.best, checkpoint.weights(self.model), meta)

    def _save(self) -> None:
        """Write the last checkpoint: all that resuming needs."""
        at = self.at
        if not all(math.isfinite(total) for total in (self._check(), *_totals(self.model))):
            raise TrainingError(self._lost(0.0))
        at.averaged = self.ema.updates if self.ema is not None else 0
        if not self.fabric.is_global_zero:
            return
        carried = {f"{i}.{name}": t for i, state in enumerate(self.carry) for name, t in (state or {}).items()}
        tensors = checkpoint.sections(
            model=checkpoint.weights(self.model), optimizer=checkpoint.pack_optimizer(self.optimizer),
            ema=self.ema.pack() if self.ema is not None else {}, random=checkpoint.pack_random(), carry=carried,
            objective=self.objective.pack(), sums={"sums": self.sums},
        )  # fmt: skip
        checkpoint.save(
            self.last,
            tensors,
            {**self.identity.values(), "at": {**at.values(), "seconds": self._seconds()}, "parts": self.parts},
        )

    def resume(self) -> None:
        """Go back to the last checkpoint.

        Raises:
            ModelError: if it is missing, damaged or of another model.
            TrainingError: if it can't be continued exactly with this configuration.
        """
        tensors, meta = checkpoint.load(self.last)
        self.identity.check(meta, self.last)
        if meta.get("parts") != self.parts:
            raise TrainingError(
                f"{self.last}: the run was in {meta.get('parts')} parts (devices x accumulate), now in {self.parts}"
            )
        device = self.fabric.device
        checkpoint.load_weights(self.model, checkpoint.section(tensors, "model"), self.last)
        try:
            self.at = Position.from_values(meta["at"])
            checkpoint.unpack_optimizer(self.optimizer, checkpoint.section(tensors, "optimizer"))
            if self.ema is not None:
                self.ema.unpack(checkpoint.section(tensors, "ema"), self.at.averaged)
            self.sums = tensors["sums/sums"].to(device)
            checkpoint.unpack_random(checkpoint.section(tensors, "random"))
            self.objective.unpack(checkpoint.section(tensors, "objective"))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise TrainingError(f"{self.last}: the checkpoint lacks what resuming needs: {error}") from error
        for name, tensor in checkpoint.section(tensors, "carry").items():
            i, key = name.split(".", 1)
            self.carry[int(i)] = {**(self.carry[int(i)] or {}), key: tensor.to(device)}


def _totals(model: nn.Module) -> list[float]:
    """A sum over each weight, which is a number if all of it is."""
    with torch.no_grad():
        return [float(x) for x in torch.stack([p.double().sum() for p in model.parameters()]).tolist()]
