"""Corpora: named collections and the user's own files, split without leaks by tune family, kept in a cache.

from melodysynthesis import corpora

corpus = corpora.load("essen-german")
for melody in corpus.split("train"):
    ...
print(corpus.report.splits, corpora.audit(corpus).ok)
"""

from melodysynthesis.corpora.audit import Audit, Leak, audit
from melodysynthesis.corpora.corpus import Corpus, Rules, View, load
from melodysynthesis.corpora.families import FAMILY_RUN, SPLITS, SPLITS_VERSION
from melodysynthesis.corpora.report import BuildReport, Reject, SplitSize
from melodysynthesis.corpora.sources import DEFAULT, IN_FOLDERS, SOURCES, STYLES, Source, find_source

__all__ = [
    "DEFAULT", "FAMILY_RUN", "IN_FOLDERS", "SOURCES", "SPLITS", "SPLITS_VERSION", "STYLES", "Audit", "BuildReport",
    "Corpus", "Leak", "Reject", "Rules", "Source", "SplitSize", "View", "audit", "find_source", "load",
]  # fmt: skip
