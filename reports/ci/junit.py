"""JUnit XML: one test case an (op, dtype, implementation, mode, device).

Never one a result: twenty thousand cases make CI servers slow, and a person reads none of them. The elements and their
order are those that both the Ant schema (windyroad/JUnit-Schema) and Jenkins' junit-10.xsd allow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import BinaryIO
from xml.etree import ElementTree as ET

from harness.history.counting import plural
from harness.history.state import UNANSWERED, state
from harness.history.verdict import dead
from harness.model import NotRun, Recorded, Result, Unsupported
from reports.ci import tally

LISTED = 20  # deviations told of in a test case
# What XML 1.0 (section 2.2) has no way to write.
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Key = tuple[str, ...]


def write(recorded: Recorded, to: BinaryIO) -> None:
    """Write a run: failures are new deviations, errors deaths, hangs and what gave up, skipped is what is not there."""
    cases = [_case(key, results) for key, results in _grouped(recorded.results).items()]
    cases += [_not_run(entry) for entry in recorded.not_run]
    counts = {name: str(sum(case.find(name[:-1]) is not None for case in cases)) for name in ("failures", "errors")}
    skipped = str(sum(case.find("skipped") is not None for case in cases))
    root = ET.Element("testsuites")
    suite = ET.SubElement(
        root,
        "testsuite",
        _clean(
            {
                "id": "0",
                "package": "xentbench",
                "name": f"xentbench {recorded.run.preset}",
                "timestamp": recorded.run.started[:19],
                "hostname": "localhost",
                "tests": str(len(cases)),
                **counts,
                "skipped": skipped,
                "time": "0",
            }
        ),
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in _facts(recorded):
        ET.SubElement(properties, "property", _clean({"name": name, "value": value}))
    suite.extend(cases)
    ET.SubElement(suite, "system-out")
    ET.SubElement(suite, "system-err")
    ET.indent(root)
    to.write(ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def _grouped(results: Iterable[Result]) -> dict[Key, list[Result]]:
    grouped: dict[Key, list[Result]] = {}
    for result in results:
        named, target = result.target.implementation, result.target
        key = (named.framework, result.case.op.name, result.case.dtype, named.name, target.mode, target.device)
        grouped.setdefault(key, []).append(result)
    return dict(sorted(grouped.items()))


def _case(key: Key, results: Sequence[Result]) -> ET.Element:
    framework, op, dtype, name, mode, device = key
    case = _element(f"{framework}.{op}", f"{name}@{mode} {dtype} {device}")
    if died := [result for result in results if dead(result)]:
        _add(case, "error", f"{state(died[0])}: {plural(len(died), 'question')}", died)
    elif new := tally.news(results):
        _add(case, "failure", f"{plural(len(new), 'new deviation')} of {len(results)}: {new[0].reason}", new)
    elif all(isinstance(result.outcome, Unsupported) for result in results):
        reasons = {result.outcome.reason: None for result in results if isinstance(result.outcome, Unsupported)}
        ET.SubElement(case, "skipped", _clean({"message": f"unsupported: {'; '.join(reasons)}"}))
    return case


def _not_run(entry: NotRun) -> ET.Element:
    case = _element(f"{entry.framework}.not_run", " ".join(filter(None, (entry.framework, entry.mode, entry.device))))
    kind = "error" if entry.reason.startswith(UNANSWERED) else "skipped"  # what gave up is no choice of anybody's
    said = {"message": f"not run: {entry.reason}"} | ({"type": kind} if kind == "error" else {})
    ET.SubElement(case, kind, _clean(said))
    return case


def _element(classname: str, name: str) -> ET.Element:
    return ET.Element("testcase", _clean({"classname": classname, "name": name, "time": "0"}))


def _add(case: ET.Element, kind: str, message: str, results: Sequence[Result]) -> None:
    listed = [f"{result.case}: {result.reason}" for result in results[:LISTED]]
    more = [f"and {len(results) - LISTED} more"] if len(results) > LISTED else []
    element = ET.SubElement(case, kind, _clean({"message": message, "type": kind}))
    element.text = FORBIDDEN.sub("\ufffd", "\n".join([*listed, *more]))


def _facts(recorded: Recorded) -> Iterable[tuple[str, str]]:
    yield "run", recorded.run.uid
    yield "command", recorded.run.command
    yield from recorded.run.host.items()
    for facts in recorded.environments.values():
        where = f"{facts.get('framework', '')} {facts.get('device', '')}".strip()
        yield from ((f"{where}: {name}", value) for name, value in facts.items())


def _clean(fields: dict[str, str]) -> dict[str, str]:
    return {name: FORBIDDEN.sub("\ufffd", value) for name, value in fields.items()}
