"""The training loop: batches and updates, with a validation and a checkpoint now and then, until a reason to stop.

A checkpoint holds everything that decides how a run goes on (weights, optimizer, average, random state, place in the
epoch, carried state), so an interrupted run continues with exactly the losses that it would have had.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from melodysynthesis.errors import TrainingError
from melodysynthesis.models.base import MelodyModel, State
from melodysynthesis.training import checkpoint
from melodysynthesis.training.batches import Batch, Batches
from melodysynthesis.training.checkpoint import Identity, TrainingState
from melodysynthesis.training.config import TrainingConfig, learning_rate
from melodysynthesis.training.objective import Figures, Objective, to_tensors
from melodysynthesis.training.reporting import History
from melodysynthesis.training.setup import average_weights, make_fabric, make_optimizer, stop_signals


class Trainer:
    """A model, its data, and how far training has come.

    Args:
        config: how to train.
        model: is trained in place; after `fit` it holds the last weights, the best ones are in their checkpoint.
        objective: what to minimise.
        training, validation: the batches.
        folder: of the run; exists.
        identity: what the checkpoints' weights fit.
        callbacks: progress bars and the like; see `reporting`.
    """

    history: History | None = None

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
        callbacks: Sequence[object] = (),
    ) -> None:
        if config.threads:
            torch.set_num_threads(config.threads)
        self.fabric = make_fabric(config, callbacks)
        self.fabric.launch()
        self.config, self.objective, self.identity = config, objective, identity
        # A constant: divided by its own tokens, a batch of long melodies would count no more than one of short ones.
        self.tokens_per_update = max(training.mean_tokens, 1.0)
        objective.set_up(self.fabric.device, self.tokens_per_update)
        self.training, self.validation, self.folder, self.model = training, validation, folder, model
        self.last, self.best = folder / "checkpoints" / "last.safetensors", folder / "checkpoints" / "best.safetensors"
        wrapped, optimizer = self.fabric.setup(model, make_optimizer(config, model, self.fabric.device))
        self.wrapped: nn.Module = wrapped
        self.optimizer: Any = optimizer
        self.average = average_weights(model, config.ema_decay) if config.ema_decay else None
        self.wrapped_average: nn.Module = wrapped if not self.average else self.fabric.setup_module(self.average.module)
        self.parts = config.accumulate * self.fabric.world_size
        self.carried: list[State | None] = [None] * config.accumulate
        self.state = TrainingState()
        # Sums since the last validation, kept on the device so that no update waits for it: loss, norm of gradients.
        self.sums = torch.zeros(2, dtype=torch.float64, device=self.fabric.device)
        self.reported = (0.0, 0, 0.0)  # at the last report: loss, tokens and seconds
        self.measured_from = (0, 0.0)  # tokens and seconds where the speed of a history line begins
        self.steps = sum(training.count(epoch) for epoch in range(config.epochs))
        torch.manual_seed(config.seed + self.fabric.global_rank)

    def fit(self) -> str:
        """Train until there is a reason to stop; returns it: finished, no gain, time, interrupted, or a guard's.

        Raises:
            TrainingError: when the loss is no longer a number, or a file can't be written.
        """
        if self.fabric.is_global_zero:
            self.history = History(self.folder, self.config.tensorboard, self.state.step)
        self.started = time.monotonic() - self.state.seconds
        self.reported = (float(self.sums[0]), self.state.tokens, self.state.seconds)
        self.measured_from = (self.state.tokens, self.state.seconds)
        self.model.train()
        try:
            with stop_signals() as stop:
                return self._reason_it_is_over() or self._prepare(stop) or self._run(stop)
        finally:
            if self.history is not None:
                self.history.close()

    def _prepare(self, stop: threading.Event) -> str:
        """Let the objective prepare before the first update; returns why the run is over after it, "" if it is not.

        A run that stops in between has learned nothing to keep: it leaves no checkpoint, and starts again when resumed.
        """
        if self.state.step:
            return ""
        prepared = False
        for done, total in self.objective.prepare(self.wrapped, self.training):
            prepared = True
            self.fabric.call("on_prepare", done, total)
            self.state.seconds, must_stop = self._agree(stop)
            if must_stop:
                return "interrupted"
            if self._is_out_of_time():
                return "time"
        if not prepared:
            return ""
        reason = self._validate()
        self.state.seconds, _ = self._agree(stop)
        if reason or self._is_out_of_time():
            return self._stop(reason or "time")
        return ""

    def _run(self, stop: threading.Event) -> str:
        config, state = self.config, self.state
        for epoch in range(state.epoch, config.epochs):
            batches = self.training.count(epoch)
            for batch in self.training.epoch(epoch, skip=state.batch):
                self._update(batch)
                if state.step % config.log_every == 0:
                    self._report()
                state.seconds, must_stop = self._agree(stop)
                ends_epoch, out_of_time = state.batch == batches, self._is_out_of_time()
                reason = ""
                if ends_epoch or out_of_time or (config.validate_every and state.step % config.validate_every == 0):
                    reason = self._validate()
                if ends_epoch:
                    state.epoch, state.batch, self.carried = epoch + 1, 0, [None] * config.accumulate
                if reason:
                    return self._stop(reason)
                if config.patience and state.without_gain >= config.patience:
                    return self._stop("no gain")
                if out_of_time:
                    return self._stop("time")
                if must_stop:
                    self._save()
                    return "interrupted"
                if ends_epoch or state.step % config.checkpoint_every == 0:
                    self._save()
        return self._stop("finished")

    def _reason_it_is_over(self) -> str:
        """Why a resumed run has nothing left to do; "" if it has, for example because it was given more epochs."""
        state, config = self.state, self.config
        limit_is_reached = {
            "finished": state.epoch >= config.epochs,
            "no gain": bool(config.patience) and state.without_gain >= config.patience,
            "time": self._is_out_of_time(),
        }
        if not limit_is_reached.get(state.stopped, True):
            state.stopped = ""
        return state.stopped

    def _update(self, batch: Batch) -> None:
        state, config, fabric = self.state, self.config, self.fabric
        tokens = int(batch.mask.sum())
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate()
        for i in range(config.accumulate):
            part = batch.part(fabric.global_rank * config.accumulate + i, self.parts)
            carried = self.carried[i] if batch.carries else None
            # Gradients are summed over the parts and exchanged between devices once, with the last of them.
            with fabric.no_backward_sync(self.wrapped, enabled=i < config.accumulate - 1):  # type: ignore[arg-type]
                loss, after = self.objective.loss(self.wrapped, to_tensors(part, fabric.device), carried)
                # DDP takes the mean over devices; the loss is meant as the sum over the whole batch.
                fabric.backward(loss * (fabric.world_size / self.tokens_per_update))
            if batch.carries:
                self.carried[i] = {name: tensor.detach() for name, tensor in after.items()}
            self.sums[0] += loss.detach()
        norm = fabric.clip_gradients(
            self.wrapped, self.optimizer, max_norm=config.clip or math.inf, error_if_nonfinite=False
        )
        self.sums[1] += norm.detach() if norm is not None else 0.0
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.average is not None:
            self.average.update_parameters(self.model)
        state.batch, state.step, state.tokens = state.batch + 1, state.step + 1, state.tokens + tokens

    def _learning_rate(self) -> float:
        """The learning rate of the next update, by the share of updates or of time that is over, whichever is more."""
        progress = self.state.step / self.steps
        if self.config.max_minutes:
            progress = max(progress, self.state.seconds / (60 * self.config.max_minutes))
        return learning_rate(self.config, min(progress, 1.0), self.state.step, self.state.reductions)

    def _is_out_of_time(self) -> bool:
        return bool(self.config.max_minutes) and self.state.seconds >= 60 * self.config.max_minutes

    def _seconds(self) -> float:
        return time.monotonic() - self.started

    def _agree(self, stop: threading.Event) -> tuple[float, bool]:
        """The time and whether to stop, as the first process sees them: all must make the same updates."""
        mine = (self._seconds(), stop.is_set())
        return self.fabric.broadcast(mine) if self.fabric.world_size > 1 else mine

    def _checked_loss(self) -> float:
        """The loss since the last validation, which makes the device finish.

        Raises:
            TrainingError: if loss or gradients are not numbers.
        """
        sums = self.fabric.all_reduce(self.sums.clone(), reduce_op="sum") if self.fabric.world_size > 1 else self.sums
        assert isinstance(sums, torch.Tensor)
        loss, norms = sums.tolist()
        if not math.isfinite(loss + norms):
            raise self._diverged(loss)
        return float(loss)

    def _diverged(self, loss: float) -> TrainingError:
        what = "gradients or weights are" if math.isfinite(loss) else "the loss is"
        kept = f"the last good checkpoint is {self.last}" if self.last.is_file() else "there is no checkpoint yet"
        return TrainingError(
            f"{what} not a number any more at update {self.state.step} (epoch {self.state.epoch + 1}); {kept}. Try a "
            f"learning_rate below {self.config.learning_rate:g}, a smaller clip or a longer warm_up"
        )

    def _report(self) -> None:
        """Report loss, speed and time left since the last report."""
        state, (loss_before, tokens_before, seconds_before) = self.state, self.reported
        loss, seconds = self._checked_loss(), self._seconds()
        tokens = max(state.tokens - tokens_before, 1)
        per_token, speed = (loss - loss_before) / tokens, tokens / max(seconds - seconds_before, 1e-9)
        self.reported = (loss, state.tokens, seconds)
        left = seconds / max(state.step, 1) * (self.steps - state.step)
        if self.config.max_minutes:
            left = min(left, 60 * self.config.max_minutes - seconds)
        self.fabric.call("on_update", state, self.steps, per_token, speed, left)
        if self.history is not None:
            values = {"loss": per_token, "rate": self._learning_rate(), "tokens_per_s": speed}
            self.history.add_scalars("training", state.step, **values)

    def _validate(self) -> str:
        """Validate, and keep the weights if they are the best so far; returns why the objective must stop, or ""."""
        state, config = self.state, self.config
        rate, seconds = self._learning_rate(), state.seconds
        train_loss = self._checked_loss() / state.tokens if state.tokens else None
        speed = (state.tokens - self.measured_from[0]) / max(seconds - self.measured_from[1], 1e-9)
        self.sums.zero_()
        state.tokens = 0
        figures = self.evaluate(self.validation)
        reason = self.objective.reason_to_stop(figures)
        value = -state.step if config.monitor == "last" else float(getattr(figures, config.monitor))
        is_best = value < state.best and not reason
        if is_best:
            state.best, state.best_step, state.without_gain, state.waited = value, state.step, 0, 0
            self._save_best(figures)
        else:
            state.without_gain, state.waited = state.without_gain + 1, state.waited + 1
        if config.schedule == "plateau" and state.waited >= config.plateau_patience:
            state.reductions, state.waited = state.reductions + 1, 0
        line = {
            "step": state.step, "epoch": state.epoch + 1, "train_loss": train_loss, **asdict(figures), "best": is_best,
            "learning_rate": rate, "seconds": round(seconds, 2), "tokens_per_second": round(speed),
        }  # fmt: skip
        if self.history is not None:
            self.history.add(line)
            self.history.add_scalars("validation", state.step, **asdict(figures))
            self.fabric.call("on_validation", line)
        self.reported, self.measured_from = (0.0, 0, self._seconds()), (0, self._seconds())
        return reason

    @torch.no_grad()
    def evaluate(self, batches: Batches) -> Figures:
        """The figures of the averaged weights, or of the model where none are averaged."""
        model = self.wrapped_average
        model.eval()
        sums, carried = torch.zeros(5, dtype=torch.float64, device=self.fabric.device), None
        for batch in batches.epoch(0):
            found, after = self.objective.sums(model, to_tensors(batch, self.fabric.device), carried)
            sums += found
            carried = after if batch.carries else None
        self.model.train()
        return self.objective.figures(model, sums, batches)

    def _stop(self, reason: str) -> str:
        self.state.stopped = reason
        self._save()
        return reason

    def _save_best(self, figures: Figures) -> None:
        if self.fabric.is_global_zero:
            meta = {**asdict(self.identity), "step": self.state.step, "figures": asdict(figures)}
            kept = self.average.module if self.average is not None else self.model
            checkpoint.save(self.best, checkpoint.weights(kept), meta)

    def _save(self) -> None:
        """Write the last checkpoint: all that resuming needs."""
        if not all(math.isfinite(total) for total in (self._checked_loss(), *_weight_sums(self.model))):
            raise self._diverged(0.0)
        if not self.fabric.is_global_zero:
            return
        carried = {f"{i}.{name}": t for i, state in enumerate(self.carried) for name, t in (state or {}).items()}
        tensors = checkpoint.sections(
            model=checkpoint.weights(self.model), optimizer=checkpoint.pack_optimizer(self.optimizer),
            average=checkpoint.weights(self.average) if self.average is not None else {},
            random=checkpoint.pack_random(), carried=carried, objective=self.objective.pack(), sums={"sums": self.sums},
        )  # fmt: skip
        at = {**asdict(self.state), "seconds": self._seconds()}
        checkpoint.save(self.last, tensors, {**asdict(self.identity), "at": at, "parts": self.parts})

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
                f"{self.last}: the run had devices x accumulate = {meta.get('parts')}, now it is {self.parts}"
            )
        device = self.fabric.device
        checkpoint.load_weights(self.model, checkpoint.section(tensors, "model"), self.last)
        if self.average is not None:
            checkpoint.load_weights(self.average, checkpoint.section(tensors, "average"), self.last)
        try:
            self.state = TrainingState(**meta["at"])
            checkpoint.unpack_optimizer(self.optimizer, checkpoint.section(tensors, "optimizer"))
            self.sums = tensors["sums/sums"].to(device)
            checkpoint.unpack_random(checkpoint.section(tensors, "random"))
            self.objective.unpack(checkpoint.section(tensors, "objective"))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise TrainingError(f"{self.last}: the checkpoint lacks what resuming needs: {error}") from error
        for name, tensor in checkpoint.section(tensors, "carried").items():
            i, key = name.split(".", 1)
            self.carried[int(i)] = {**(self.carried[int(i)] or {}), key: tensor.to(device)}


def _weight_sums(model: nn.Module) -> list[float]:
    """The sum of each weight, which is a finite number if all of its entries are."""
    with torch.no_grad():
        return [float(x) for x in torch.stack([p.double().sum() for p in model.parameters()]).tolist()]
