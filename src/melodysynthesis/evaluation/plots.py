"""Plots of a training, of predictions and of sets of melodies. Each function returns a matplotlib figure.

A confusion matrix shows how the predictions for each true token were distributed: rows add up to one. The shade is the
square root of the share: rare confusions matter most, and a linear scale hides them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings import Group
from melodysynthesis.errors import CorpusError
from melodysynthesis.evaluation import plotting
from melodysynthesis.evaluation.breakdown import Confusion, NoteGroup, confusion
from melodysynthesis.evaluation.descriptors import NAMES
from melodysynthesis.evaluation.labels import GROUP_TITLES, reading_order, token_label
from melodysynthesis.evaluation.prediction import Prediction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from melodysynthesis.evaluation.comparison import SetComparison

SHOWN = (Group.DELIMITER, Group.HOLD, Group.REST, Group.NOTE, Group.DURATION)
"""Groups of tokens in the plots: not what is given (tonic, mode, meter) and not the number of bars."""

LEAST_TOKENS = 50
"""Bins and groups with fewer tokens are not drawn: their figures are mostly chance."""

HISTORY_PANELS = {
    "loss (nats per token)": ("train_loss", "loss"),
    "accuracy": ("train_accuracy", "accuracy"),
    "bits per note": ("train_bits_per_note", "bits_per_note"),
}
"""Panels of a training history: axis label -> columns of the training and the validation curve."""


def training_history(lines: Sequence[Mapping[str, Any]], title: str = "Training history") -> Figure:
    """Curves of a run from the lines of its ``history.jsonl``, one a validation; the learning rate below.

    Values that are missing from a line leave a gap. The validation whose weights were kept is marked.

    Raises:
        CorpusError: if there is no line.
    """
    if not lines:
        raise CorpusError("the training history is empty: there is nothing to plot")
    epochs = [line["epoch"] for line in lines]
    unit = "epoch" if len(set(epochs)) == len(epochs) else "update"
    places = epochs if unit == "epoch" else [line["step"] for line in lines]
    kept = [number for number, line in enumerate(lines) if line.get("best")]
    with plotting.styled():
        drawn = plotting.figure(8.0, 1.2 + 2.7 * len(HISTORY_PANELS) + 1.1, title)
        heights = [2.5] * len(HISTORY_PANELS) + [1.0]
        *panels, last = drawn.subplots(len(heights), 1, sharex=True, height_ratios=heights)
        for axes, (name, (train, validation)) in zip(panels, HISTORY_PANELS.items(), strict=True):
            _curve(axes, places, [line.get(train) for line in lines], "training", plotting.TRAIN)
            _curve(axes, places, [line.get(validation) for line in lines], "validation", plotting.VALIDATION)
            axes.set_ylabel(name)
            if kept:
                _mark_kept(axes, places[kept[-1]], lines[kept[-1]].get(validation), unit)
        panels[0].legend(loc="best")
        _curve(last, places, [line.get("learning_rate") for line in lines], "learning rate", plotting.QUIET)
        last.set(yscale="log", ylabel="learning rate", xlabel=unit, xlim=(min(places) - 0.2, max(places) + 0.2))
        last.xaxis.get_major_locator().set_params(integer=True)
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
    with plotting.styled():
        drawn = plotting.figure(side + 0.9, side + 0.5, title)
        axes = drawn.subplots()
        image = plotting.heat_map(axes, shares, 0.5)
        plotting.token_ticks(axes, labels)
        _group_lines(axes, found.encoding.groups[tokens])
        relative = ", tonic moved to C" if found.encoding.tonic_relative else ""
        axes.set_xlabel(f"predicted{relative}")
        axes.set_ylabel(f"true{relative}")
        axes.set_title(
            f"{found.accuracy:.1%} of {found.tokens.sum():,} tokens right; each row adds up to 1",
            fontsize=9.5, fontweight="normal", color=plotting.QUIET,
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
    with plotting.styled():
        drawn = plotting.figure(max(7.0, 1.5 + 0.24 * max(map(len, panels))), 1.0 + 2.6 * len(panels), title)
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
    with plotting.styled():
        drawn = plotting.figure(1.2 * len(panels) + 0.22 * sum(sides), 1.8 + 0.22 * max(sides), title)
        for axes, (name, panel) in zip(
            drawn.subplots(1, len(panels), squeeze=False, width_ratios=sides)[0], panels, strict=True
        ):
            _confusion_panel(axes, name, panel)
    return drawn


def breakdown(parts: Mapping[str, Sequence[NoteGroup]], title: str = "What costs how much") -> Figure:
    """Bits per note of each part with its interval, a panel for each breakdown; the share of notes is next to it.

    Parts of a few notes are left out: what they cost is mostly chance.
    """
    enough = {name: [part for part in members if part.notes >= LEAST_TOKENS] for name, members in parts.items()}
    parts = {name: enough[name] or members for name, members in parts.items() if members}
    rows = [max(len(members), 3) for members in parts.values()]
    with plotting.styled():
        drawn = plotting.figure(7.6, 1.2 + 0.55 * len(parts) + 0.26 * sum(rows), title)
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
    with plotting.styled():
        drawn = plotting.figure(6.0, 6.2, title)
        upper, lower = drawn.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        upper.plot([0, 1], [0, 1], color=plotting.QUIET, linewidth=1, linestyle="--", label="as sure as right")
        _reliable(upper, found.bins.sum(axis=0), "all tokens", plotting.PREDICTED, linewidth=2.5)
        for group, color in ((Group.NOTE, plotting.HIGHLIGHT), (Group.DURATION, plotting.TRAIN)):
            _reliable(upper, found.bins[group], GROUP_TITLES[group], color, linewidth=1.2)
        upper.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.02))
        upper.set_title(
            f"expected calibration error {found.calibration_error:.1%}",
            fontsize=9.5, fontweight="normal", color=plotting.QUIET,
        )  # fmt: skip
        upper.legend(loc="upper left")
        lower.bar(edges, count, width=0.9 / len(count), align="edge", color=plotting.TRUE)
        lower.set(xlabel="confidence: probability of the most likely token", ylabel="tokens")
        lower.yaxis.set_major_formatter("{x:,.0f}")
    return drawn


def descriptor_means(
    judged: Sequence[SetComparison], title: str = "Descriptors compared with human melodies"
) -> Figure:
    """Means of the 17 descriptors of one or several sets, in half-widths of the human 95 % band, which is shaded.

    A dot within the band is a mean that as many human melodies could have. An arrow at the edge is beyond it.
    """
    edge = 6.0
    colors = (plotting.PREDICTED, plotting.HIGHLIGHT, plotting.TRAIN, plotting.INK, plotting.TRUE)
    with plotting.styled():
        drawn = plotting.figure(7.6, 1.6 + 0.36 * len(NAMES), title)
        axes = drawn.subplots()
        axes.axvspan(-1, 1, color=plotting.FAINT, linewidth=0)
        axes.axvline(0, color=plotting.QUIET, linewidth=1)
        for number, one in enumerate(judged):
            shift = 0.5 * (number + 1) / (len(judged) + 1) - 0.25
            color = colors[number % len(colors)]
            for place, name in enumerate(NAMES):
                row = one.find("figures", name, "mean")
                half = max((row.people_high - row.people_low) / 2, 1e-12)
                spots = [np.clip((x - row.people) / half, -edge, edge) for x in (row.low, row.value, row.high)]
                axes.plot([spots[0], spots[2]], [place + shift] * 2, color=color, linewidth=2, alpha=0.45)
                label = f"{one.name}: {len(NAMES) - len(one.outside())} of 17 within" if place == 0 else None
                marker = "o" if abs(spots[1]) < edge else ">" if spots[1] > 0 else "<"
                axes.plot([spots[1]], [place + shift], marker, color=color, markersize=5, label=label)
        axes.set_yticks(range(len(NAMES)), NAMES)
        axes.set_ylim(len(NAMES) - 0.4, -0.6)
        axes.set_xlim(-edge - 0.2, edge + 0.2)
        axes.set_xlabel("less than human  ←  half-widths of the human 95 % band  →  more than human")
        axes.grid(False, axis="y")
        drawn.legend(loc="outside lower left", ncols=2)
    return drawn


def likenesses(matrices: Mapping[str, NDArray[np.float64]], unit: str) -> Figure:
    """Mean likeness of bars or phrases (`structure.mean_likeness`) of several sets side by side, one scale for all."""
    shown = {name: matrix for name, matrix in matrices.items() if not np.isnan(matrix).all()} or dict(matrices)
    # a bar's likeness to itself is always 1: the diagonal stays white
    bare = [np.where(np.eye(len(matrix), dtype=np.bool_), np.nan, matrix) for matrix in shown.values()]
    known = np.concatenate([matrix[~np.isnan(matrix)] for matrix in bare])
    limits = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    with plotting.styled():
        drawn = plotting.figure(1.2 + 3.1 * len(shown), 4.1, f"How similar is each {unit} to each other {unit}?")
        panels = drawn.subplots(1, len(shown), squeeze=False)[0]
        for axes, name, matrix in zip(panels, shown, bare, strict=True):
            edge = len(matrix) + 0.5
            image = plotting.heat_map(axes, matrix, 1.5, limits, extent=(0.5, edge, edge, 0.5))
            axes.set_title(name, fontsize=10.5)
            axes.set(xlabel=unit)
            for axis in (axes.xaxis, axes.yaxis):
                axis.get_major_locator().set_params(integer=True)
        bar = drawn.colorbar(image, ax=panels, shrink=0.75, pad=0.02)
        bar.outline.set_visible(False)
        bar.set_label("mean likeness")
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
    plotting.heat_map(axes, panel.shares, 0.5)
    size = len(panel.labels)
    axes.set_anchor("N")
    plotting.token_ticks(axes, panel.labels, ["other"])
    axes.axvline(size - 0.5, color=plotting.PREDICTED, linewidth=0.8)
    axes.set(xlabel=f"predicted {name}", ylabel=f"true {name}")
    for row, column in np.argwhere(panel.shares >= 0.005).tolist():
        share = panel.shares[row, column]
        color = "white" if share > 0.2 else plotting.INK
        axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=6, color=color)


def _part_rows(axes: Axes, members: Sequence[NoteGroup]) -> None:
    places = np.arange(len(members))[::-1]
    total = sum(part.notes for part in members)
    for place, part in zip(places.tolist(), members, strict=True):
        axes.plot(
            [part.bits.low, part.bits.high], [place, place], color=plotting.TRUE, linewidth=4, solid_capstyle="butt"
        )
        axes.plot([part.bits.value], [place], "o", color=plotting.PREDICTED, markersize=5)
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
            color=plotting.QUIET,
        )
    axes.set_ylim(-0.7, len(members) - 0.3)
    axes.grid(False, axis="y")


def _curve(axes: Axes, places: Sequence[float], values: Sequence[float | None], label: str, color: str) -> None:
    known = [(place, value) for place, value in zip(places, values, strict=True) if value is not None]
    if known:
        marker = "o" if len(known) < 3 else None
        axes.plot(*zip(*known, strict=True), color=color, label=label, marker=marker)


def _mark_kept(axes: Axes, place: float, value: float | None, unit: str) -> None:
    """A line and a dot where the kept weights are from. The value is above the panel, clear of the curves."""
    axes.axvline(place, color=plotting.HIGHLIGHT, linewidth=1.2, linestyle=":")
    if value is not None:
        axes.plot([place], [value], "o", color=plotting.HIGHLIGHT, markersize=7, zorder=3)
        kept = axes.set_title(f"kept: {value:.4g} at {unit} {place:g}", loc="right", pad=4)
        kept.set(fontsize=9, fontweight="normal", color=plotting.HIGHLIGHT)


def _occurring(found: Prediction) -> NDArray[np.int64]:
    """Ids of the tokens that were true or predicted, in reading order, without what is not shown."""
    seen = (found.confusion.sum(axis=0) + found.confusion.sum(axis=1)) > 0
    seen &= np.isin(found.encoding.groups, SHOWN)
    return np.array([token for token in reading_order(found.encoding) if seen[token]], np.int64)


def _group_lines(axes: Axes, groups: NDArray[np.int64]) -> None:
    """Lines between groups, and the name of each large enough along the right edge."""
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(groups)], strict=True):
        if start:
            axes.axhline(start - 0.5, color=plotting.PREDICTED, linewidth=0.8)
            axes.axvline(start - 0.5, color=plotting.PREDICTED, linewidth=0.8)
        if end - start > 3:
            axes.text(
                len(groups) - 0.2, (start + end - 1) / 2, GROUP_TITLES[Group(groups[start])],
                rotation=270, va="center", ha="left", fontsize=9, color=plotting.QUIET,
            )  # fmt: skip


def _count_bars(axes: Axes, found: Prediction, members: NDArray[np.int64]) -> None:
    places = np.arange(len(members))
    true, predicted = found.confusion.sum(axis=1)[members], found.confusion.sum(axis=0)[members]
    axes.bar(places - 0.2, true, 0.4, color=plotting.TRUE, label="true")
    axes.bar(places + 0.2, predicted, 0.4, color=plotting.PREDICTED, label="predicted")
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(0, 3.0 * max(true.max(), predicted.max(), 1))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    labels = [token_label(found.encoding.vocabulary[token]) for token in members]
    axes.set_xticks(places, labels, rotation=90 if len(members) > 12 else 0, fontsize=8)
    axes.set_xlim(-0.7, max(len(members), 14) - 0.3)
    axes.set_ylabel("tokens")
    axes.grid(False, axis="x")
