"""JUnit's XML, which continuous integration systems read: a suite for each folder, a test for each file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TextIO
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from mvengine.slt.report import describe
from mvengine.slt.results import Counts, FileResult, Summary

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(file: TextIO, summary: Summary) -> None:
    """Writes what came of a run."""
    root = Element("testsuites", _attributes(summary.counts, "mvengine slt"))
    by_folder: dict[str, list[FileResult]] = {}
    for result in summary.results:
        by_folder.setdefault(str(Path(result.path).parent), []).append(result)
    for folder, results in by_folder.items():
        suite = SubElement(root, "testsuite", _suite_attributes(folder, results))
        for result in results:
            _add_case(suite, folder, result)
    indent(root)
    file.write('<?xml version="1.0" encoding="utf-8"?>\n')
    ElementTree(root).write(file, encoding="unicode")


def _suite_attributes(folder: str, results: list[FileResult]) -> dict[str, str]:
    return {
        "name": folder,
        "tests": str(len(results)),
        "failures": str(sum(bool(result.failures) for result in results)),
        "skipped": str(sum(_is_skipped(result) for result in results)),
        "time": f"{sum(result.seconds for result in results):.3f}",
    }


def _attributes(counts: Counts, name: str) -> dict[str, str]:
    return {"name": name, "tests": str(counts.files), "time": f"{counts.seconds:.3f}"}


def _is_skipped(result: FileResult) -> bool:
    return bool(result.skipped) and not result.passed and not result.failures


def _add_case(suite: Element, folder: str, result: FileResult) -> None:
    name = Path(result.path).name
    case = SubElement(suite, "testcase", {"classname": folder, "name": name, "time": f"{result.seconds:.3f}"})
    if result.failures:
        first = result.failures[0]
        message = f"{first.location}: {first.reason}" + (f", and {result.failed - 1} more" if result.failed > 1 else "")
        failure = SubElement(case, "failure", {"message": _NOT_XML.sub("�", message)})
        failure.text = _NOT_XML.sub("�", "\n".join(describe(each).plain for each in result.failures))
    elif _is_skipped(result):
        reasons = "; ".join(reason for reason, _ in result.skip_reasons)
        SubElement(case, "skipped", {"message": _NOT_XML.sub("�", reasons or "all records are for others")})
    SubElement(case, "system-out").text = str(Counts.of([result]))
