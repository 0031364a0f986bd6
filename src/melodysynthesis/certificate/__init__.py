"""The certificate: whether a melody keeps every rule of its request, checked on its notes alone.

It looks at what came out, not at how: it reads the exported file and the written request, and shares no code with the
automata that generate; an import contract sees to that. Its tables of scales, chords and beats are its own as well, so
that a slip in one of them shows as a broken rule.

    from melodysynthesis.certificate import certify

    certificate = certify(formats.read("tune.mid").melodies[0], request.model_dump(mode="json"))
    certificate.verdict                     # kept, broken, or not checkable from this file

A rule is a function of a score, and a line in the table `rules.RULES`.
"""

from melodysynthesis.certificate.finding import Breach, Certificate, Finding, Place, Verdict, worst
from melodysynthesis.certificate.rules import RULES, certify

__all__ = ["RULES", "Breach", "Certificate", "Finding", "Place", "Verdict", "certify", "worst"]
