"""Plots of a training and of predictions. Each function returns a figure; `theme.save` writes it.

A confusion matrix shows, of each true token, how its predictions were shared out: rows add up to one. The
shade is the square root of the share, since rare confusions are what one looks for, and a linear scale
hides them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings import Group
from melodysynthesis.errors import CorpusError
from melodysynthesis.evaluation import theme
from melodysynthesis.evaluation.breakdown import Confusion, Part, confusion
from melodysynthesis.evaluation.labels import GROUP_TITLES, reading_order, token_label
from melodysynthesis.evaluation.prediction import Prediction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = (Group.DELIMITER, Group.HOLD, Group.REST, Group.NOTE, Group.DURATION)
"""What is given (tonic, mode, meter) and the number of bars are left out of the pictures of tokens."""

LEAST_TOKENS = 50
"""Of a bin or part that is drawn: what fewer say is mostly chance."""

Curve = Sequence[float | None]


def history_of_run(lines: Sequence[Mapping[str, Any]], title: str = "Training history") -> Figure:
    """The training history of a run from the lines of its ``history.jsonl``, one a validation.

    Raises:
        CorpusError: if there is no line.
    """
    if not lines:
        raise CorpusError("the training history is empty: there is nothing to plot")

    def column(name: str) -> list[float | None]:
        return [line.get(name) for line in lines]

    epochs = [line["epoch"] for line in lines]
    by_epoch = len(set(epochs)) == len(epochs)
    places = epochs if by_epoch else [line["step"] for line in lines]
    best = [place for place, line in zip(places, lines, strict=True) if line.get("best")]
    curves = {
        "loss (nats per token)": (column("train_loss"), column("loss")),
        "accuracy": (column("train_accuracy"), column("accuracy")),
        "bits per note": (column("train_bits_per_note"), column("bits_per_note")),
    }
    return training_history(
        places, curves, column("learning_rate"), best=best[-1] if best else None, title=title,
        unit="epoch" if by_epoch else "update",
    )  # fmt: skip


def training_history(
    epochs: Sequence[float],
    curves: Mapping[str, tuple[Curve, Curve]],
    learning_rate: Curve = (),
    *,
    best: float | None = None,
    title: str = "Training history",
    unit: str = "epoch",
) -> Figure:
    """Curves over epochs, training and validation in one panel a measure, and the learning rate below.

    Args:
        epochs: of each entry, from 1.
        curves: of each measure by its name, such as ``"loss (nats per token)"``, the values on training and
            validation; None where one was not measured.
        learning_rate: at each entry, may be empty.
        best: epoch whose weights were kept.
        title: above the plot.
        unit: what is counted along the axis.
    """
    panels = len(curves) + bool(len(learning_rate))
    with theme.styled():
        drawn = theme.figure(8.0, 1.2 + 2.7 * len(curves) + 1.1 * bool(len(learning_rate)))
        heights = [2.5] * len(curves) + [1.0] * bool(len(learning_rate))
        rows = drawn.subplots(panels, 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        drawn.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
        for axes, (name, (train, validation)) in zip(rows, curves.items(), strict=False):
            _curve(axes, epochs, train, "training", theme.TRAIN)
            _curve(axes, epochs, validation, "validation", theme.VALIDATION)
            axes.set_ylabel(name)
            if best is not None:
                _mark_best(axes, epochs, validation, best, f"at {unit} {best:g}")
        rows[0].legend(loc="best")
        if len(learning_rate):
            _curve(rows[-1], epochs, learning_rate, "learning rate", theme.QUIET)
            rows[-1].set_yscale("log")
            rows[-1].set_ylabel("learning rate")
        rows[-1].set_xlabel(unit)
        rows[-1].set_xlim(min(epochs, default=0) - 0.2, max(epochs, default=1) + 0.2)
        rows[-1].xaxis.get_major_locator().set_params(integer=True)
    return drawn


def confusion_matrix(found: Prediction, title: str = "What was predicted for what") -> Figure:
    """Row-normalised confusion matrix of the tokens that occur, by group; see the module's docstring."""
    tokens = _occurring(found)
    counts = found.confusion[np.ix_(tokens, tokens)].astype(float)
    # of all predictions of a token, also those that are not shown
    of_true = found.confusion[tokens].sum(axis=1)
    shares = np.divide(counts, of_true[:, None], out=np.zeros_like(counts), where=of_true[:, None] > 0)
    labels = [token_label(found.encoding.vocabulary[token]) for token in tokens]
    side = 3.0 + 0.155 * max(len(tokens), 20)
    with theme.styled():
        drawn = theme.figure(side + 0.9, side + 0.5)
        axes = drawn.subplots()
        theme.bare(axes)
        from matplotlib.colors import PowerNorm

        image = axes.imshow(shares, cmap=theme.HEAT, norm=PowerNorm(0.5, 0, 1), interpolation="nearest")
        _token_ticks(axes, labels)
        _group_lines(axes, found.encoding.groups[tokens])
        relative = ", tonic moved to C" if found.encoding.name == "event" else ""
        axes.set_xlabel(f"predicted{relative}")
        axes.set_ylabel(f"true{relative}")
        drawn.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
        axes.set_title(
            f"{found.accuracy:.1%} of {found.tokens.sum():,} tokens right; each row adds up to 1",
            fontsize=9.5, fontweight="normal", color=theme.QUIET,
        )  # fmt: skip
        bar = drawn.colorbar(image, ax=axes, shrink=0.6, pad=0.02, ticks=[0, 0.01, 0.05, 0.1, 0.25, 0.5, 1])
        bar.ax.set_yticklabels(["0", "1 %", "5 %", "10 %", "25 %", "50 %", "100 %"])
        bar.outline.set_visible(False)
    return drawn


def classification_counts(found: Prediction, title: str = "How often each token was predicted") -> Figure:
    """True and predicted counts of each token that occurs, on a log scale, one panel a kind of token."""
    tokens = _occurring(found)
    of_group = found.encoding.groups[tokens]
    panels = [
        members
        for members in (
            tokens[of_group == Group.NOTE],
            tokens[of_group == Group.DURATION],
            tokens[(of_group != Group.NOTE) & (of_group != Group.DURATION)],
        )
        if len(members)
    ]
    names = {Group.NOTE: "pitches", Group.DURATION: "durations"}
    with theme.styled():
        drawn = theme.figure(max(7.0, 1.5 + 0.24 * max(map(len, panels))), 1.0 + 2.6 * len(panels))
        drawn.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
        for axes, members in zip(drawn.subplots(len(panels), 1, squeeze=False)[:, 0], panels, strict=True):
            _count_bars(axes, found, members)
            axes.set_title(names.get(Group(found.encoding.groups[members[0]]), "marks, holds and rests"))
        drawn.axes[0].legend(loc="upper left", bbox_to_anchor=(0.0, 1.0), ncols=2)
    return drawn


def confusion_by_kind(found: Prediction, title: str = "What was predicted for what") -> Figure:
    """Confusion by kind of token, by pitch and by duration; each row adds up to one, the last column is other kinds.

    `grid` has no durations of its own: how long a note is, is a matter of holds, which is the first panel.
    """
    panels = [("kind of token", _kinds(found))]
    panels += [
        (name, confusion(found, group))
        for name, group in (("pitch", Group.NOTE), ("duration", Group.DURATION))
        if (found.confusion.sum(axis=1)[found.encoding.groups == group] > 0).any()
    ]
    sides = [len(panel.labels) + 5 for _, panel in panels]
    with theme.styled():
        drawn = theme.figure(1.2 * len(panels) + 0.22 * sum(sides), 1.8 + 0.22 * max(sides))
        drawn.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
        for axes, (name, panel) in zip(
            drawn.subplots(1, len(panels), squeeze=False, width_ratios=sides)[0], panels, strict=True
        ):
            _confusion_panel(axes, name, panel)
    return drawn


def breakdown(parts: Mapping[str, Sequence[Part]], title: str = "What costs how much") -> Figure:
    """Bits per note of each part with its interval, a panel for each breakdown; the share of notes stands beside.

    Parts of a few notes are left out: what they cost is mostly chance.
    """
    enough = {name: [part for part in members if part.notes >= LEAST_TOKENS] for name, members in parts.items()}
    parts = {name: enough[name] or members for name, members in parts.items() if members}
    rows = [max(len(members), 3) for members in parts.values()]
    with theme.styled():
        drawn = theme.figure(7.6, 1.2 + 0.55 * len(parts) + 0.26 * sum(rows))
        drawn.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
        panels = drawn.subplots(len(parts), 1, squeeze=False, sharex=True, height_ratios=rows)[:, 0]
        for axes, (name, members) in zip(panels, parts.items(), strict=True):
            _part_rows(axes, members)
            axes.set_title(f"by {name}", fontsize=10.5)
        panels[-1].set_xlabel("bits per note, with 95 % interval over tunes")
        panels[-1].set_xlim(left=0)
    return drawn


def reliability(found: Prediction, title: str = "Is the model as right as it is sure?") -> Figure:
    """Accuracy over confidence in ten bins, and how many tokens each bin holds; bins of a few tokens are left out.

    All tokens together, and true pitches and durations apart, which holds and delimiters would hide.
    """
    count = found.bins.sum(axis=0)[:, 0]
    edges = np.arange(len(count)) / len(count)
    with theme.styled():
        drawn = theme.figure(6.0, 6.2)
        upper, lower = drawn.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        drawn.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
        upper.plot([0, 1], [0, 1], color=theme.QUIET, linewidth=1, linestyle="--", label="as sure as right")
        _reliable(upper, found.bins.sum(axis=0), "all tokens", theme.PREDICTED, linewidth=2.5)
        for group, color in ((Group.NOTE, theme.HIGHLIGHT), (Group.DURATION, theme.TRAIN)):
            _reliable(upper, found.bins[group], GROUP_TITLES[group], color, linewidth=1.2)
        upper.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.02))
        upper.set_title(
            f"expected calibration error {found.calibration_error:.1%}",
            fontsize=9.5, fontweight="normal", color=theme.QUIET,
        )  # fmt: skip
        upper.legend(loc="upper left")
        lower.bar(edges, count, width=0.9 / len(count), align="edge", color=theme.TRUE)
        lower.set(xlabel="confidence: probability of the most likely token", ylabel="tokens")
        lower.yaxis.set_major_formatter("{x:,.0f}")
    return drawn


def _reliable(axes: Axes, bins: NDArray[np.float64], label: str, color: str, **style: Any) -> None:
    count, confidence, right = bins[bins[:, 0] >= LEAST_TOKENS].T
    if len(count):
        axes.plot(confidence / count, right / count, color=color, marker="o", markersize=4, label=label, **style)


def _kinds(found: Prediction) -> Confusion:
    """Confusion of groups; no other kinds are left for the last column."""
    occurring = [group for group in Group if found.tokens[:, group].sum()]
    of_group = np.stack([found.encoding.groups == group for group in occurring]).astype(float)
    counts = of_group @ found.confusion @ of_group.T
    totals = found.confusion.sum(axis=1) @ of_group.T
    shares = counts / np.maximum(totals, 1)[:, None]
    labels = [GROUP_TITLES[group] for group in occurring]
    return Confusion(labels, np.hstack([shares, 1 - shares.sum(axis=1, keepdims=True)]), totals.astype(np.int64))


def _confusion_panel(axes: Axes, name: str, panel: Confusion) -> None:
    from matplotlib.colors import PowerNorm

    theme.bare(axes)
    axes.imshow(panel.shares, cmap=theme.HEAT, norm=PowerNorm(0.5, 0, 1), interpolation="nearest", aspect="equal")
    size = len(panel.labels)
    axes.set_anchor("N")
    axes.set_xticks(range(size + 1), [*panel.labels, "other"], rotation=90, fontsize=7.5)
    axes.set_yticks(range(size), panel.labels, fontsize=7.5)
    axes.axvline(size - 0.5, color=theme.PREDICTED, linewidth=0.8)
    axes.set(xlabel=f"predicted {name}", ylabel=f"true {name}")
    for row, column in np.argwhere(panel.shares >= 0.005).tolist():
        share = panel.shares[row, column]
        color = "white" if share > 0.2 else theme.INK
        axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=6, color=color)


def _part_rows(axes: Axes, members: Sequence[Part]) -> None:
    places = np.arange(len(members))[::-1]
    total = sum(part.notes for part in members)
    for place, part in zip(places.tolist(), members, strict=True):
        axes.plot([part.bits.low, part.bits.high], [place, place], color=theme.TRUE, linewidth=4, solid_capstyle="butt")
        axes.plot([part.bits.value], [place], "o", color=theme.PREDICTED, markersize=5)
    axes.set_yticks(places, [part.name for part in members])
    for place, part in zip(places.tolist(), members, strict=True):
        share = f"{part.notes / total:.0%} of notes" if part is members[0] else f"{part.notes / total:.0%}"
        axes.text(
            1.0,
            place,
            share,
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="center",
            fontsize=8,
            color=theme.QUIET,
        )
    axes.set_ylim(-0.7, len(members) - 0.3)
    axes.grid(False, axis="y")


def _curve(axes: Axes, epochs: Sequence[float], values: Curve, label: str, color: str) -> None:
    known = [(epoch, value) for epoch, value in zip(epochs, values, strict=False) if value is not None]
    if known:
        marker = "o" if len(known) < 3 else None
        axes.plot(*zip(*known, strict=True), color=color, label=label, marker=marker)


def _mark_best(axes: Axes, epochs: Sequence[float], validation: Curve, best: float, where: str) -> None:
    """A dot on the curve. Its value stands above the panel, where no curve can run through it."""
    axes.axvline(best, color=theme.HIGHLIGHT, linewidth=1.2, linestyle=":")
    value = dict(zip(epochs, validation, strict=False)).get(best)
    if value is not None:
        axes.plot([best], [value], "o", color=theme.HIGHLIGHT, markersize=7, zorder=3)
        kept = axes.set_title(f"kept: {value:.4g} {where}", loc="right", pad=4)
        kept.set(fontsize=9, fontweight="normal", color=theme.HIGHLIGHT)


def _occurring(found: Prediction) -> NDArray[np.int64]:
    """Ids of the tokens that were true or predicted, in reading order, without what is not shown."""
    seen = (found.confusion.sum(axis=0) + found.confusion.sum(axis=1)) > 0
    seen &= np.isin(found.encoding.groups, SHOWN)
    return np.array([token for token in reading_order(found.encoding) if seen[token]], np.int64)


def _token_ticks(axes: Axes, labels: Sequence[str]) -> None:
    places = range(len(labels))
    axes.set_xticks(places, labels, rotation=90, fontsize=7.5)
    axes.set_yticks(places, labels, fontsize=7.5)


def _group_lines(axes: Axes, groups: NDArray[np.int64]) -> None:
    """Lines between groups, and the name of each large enough along the right edge."""
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(groups)], strict=True):
        if start:
            axes.axhline(start - 0.5, color=theme.PREDICTED, linewidth=0.8)
            axes.axvline(start - 0.5, color=theme.PREDICTED, linewidth=0.8)
        if end - start > 3:
            axes.text(
                len(groups) - 0.2, (start + end - 1) / 2, GROUP_TITLES[Group(groups[start])],
                rotation=270, va="center", ha="left", fontsize=9, color=theme.QUIET,
            )  # fmt: skip


def _count_bars(axes: Axes, found: Prediction, members: NDArray[np.int64]) -> None:
    places = np.arange(len(members))
    true, predicted = found.confusion.sum(axis=1)[members], found.confusion.sum(axis=0)[members]
    axes.bar(places - 0.2, true, 0.4, color=theme.TRUE, label="true")
    axes.bar(places + 0.2, predicted, 0.4, color=theme.PREDICTED, label="predicted")
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(0, 3.0 * max(true.max(), predicted.max(), 1))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    labels = [token_label(found.encoding.vocabulary[token]) for token in members]
    axes.set_xticks(places, labels, rotation=90 if len(members) > 12 else 0, fontsize=8)
    axes.set_xlim(-0.7, max(len(members), 14) - 0.3)
    axes.set_ylabel("tokens")
    axes.grid(False, axis="x")
