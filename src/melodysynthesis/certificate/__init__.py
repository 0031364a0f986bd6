"""The certificate: whether a melody keeps every rule of its request, checked on its notes alone.

It judges the result, not the way to it: it reads the exported file and the written request, and shares no code with the
generator. An import contract lists what it may import: `music` and `errors`, `formats` for the files, and of `theory`
only the spelling of pitches in its messages. Its tables of scales, chords and beats and its readers of keys, meters,
pitches and durations are its own, so that an error in one of the generator's shows as a broken rule.

    from melodysynthesis.certificate import certify

    certificate = certify(formats.read("tune.mid").melodies[0], request.model_dump(mode="json"))
    certificate.verdict                     # kept, broken, or not checkable from this file

A check is a function of a `Score` and of what the rule demands, and a line of the table `rules.CHECKS`.
"""

from melodysynthesis.certificate.finding import Breach, Certificate, Finding, Location, Verdict, worst
from melodysynthesis.certificate.rules import CHECKS, certify

__all__ = ["CHECKS", "Breach", "Certificate", "Finding", "Location", "Verdict", "certify", "worst"]
