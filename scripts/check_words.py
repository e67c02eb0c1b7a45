#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checks comments, guides and strings for words that the style guide replaces by plainer ones.

Prints file:line, the words found and the better ones. Exit status 1 if there is a finding.
check_words.exceptions lists the justified exceptions. An exception that is no longer needed is a finding too.

usage: check_words.py [--count] [FILE or FOLDER ...]      (default: all files that git knows)
  --count   print the number of findings of each folder instead
"""
from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Iterator, Sequence

TOP = Path(__file__).resolve().parents[1]
EXCEPTIONS = Path(__file__).with_suffix(".exceptions")
THINGS = "(?:VF|NetVSC|netdevice|device|function|port|NIC|sub-device|instance)"

# Space in a pattern stands for any white space, so that a phrase can continue in the next line.
RULES = [(re.compile(pattern.replace(" ", r"\s+")), better) for pattern, better in [
    (r"\b[Tt](?:ells?|old|elling)\b", "notifies, reports; is notified of, receives"),
    (r"\b(?:hears?|heard)\b", "receives, is notified of"),
    (r"\b[Ll]et(?:s|ting)? go\b", "releases, detaches, rebinds to its kernel driver"),
    (r"\banew\b", "again; re-read, re-probe, re-create"),
    (r"\b(?:is|are|was|were) there\b", "exists, is present, existed at start-up"),
    (r"\b(?:comes? and goe?s?|came and went|coming and going)\b", "arrives and leaves; is added and removed"),
    (rf"\b{THINGS}s?(?:'s?)? (?:comes|came|goes|went|coming|going)\b(?! (?:and go|down|up|to|from|through|by|back))",
     "arrives, leaves; is added, is removed"),
    (r"\b(?:has|have|had|is|are|was|were) (?:\w+ )?gone\b", "has left; is removed"),
    (r"\bin hand\b", "held by, in use by"),
    (r"\bunder (?:its|their|one's|that one's) hands?\b", "held by, in use by"),
    (r"\b(?:stand(?:s|ing)?|stood) in (?:the|its|their) way\b", "blocks"),
    (r"\b[Ll]ook(?:s|ed|ing)? (?:at|into)\b", "checks, polls, inspects"),
    (r"\b[Gg](?:ives?|iven|ave|iving) (?:\w+ ){0,2}back\b", "restores, rebinds; returns to its kernel driver"),
    (r"\b[Mm]end(?:s|ed|ing)?\b", "fixes, repairs"),
    (r"\b(?<![Nn]o\s)[Ss]uch\b(?! as\b)", "a new sentence"),
    (r"\b(?:[Tt]hus|[Hh]ence|[Tt]hereby)\b", "a new sentence"),
    (r"\bof (?:which|whom)\b", "a new sentence"),
    (r"\b[Ss]low[- ](?:path|sub-device)s?\b", "fallback"),
    (r"\b[Ff]ast path\b", "VF"),
]]

C_TOKENS = re.compile(
    r"""(?P<line>//[^\n]*)|(?P<block>/\*.*?\*/)|R"(?P<mark>\w*)\((?P<raw>.*?)\)(?P=mark)"
      |"(?P<text>(?:[^"\\\n]|\\.)*)"|'(?:[^'\\\n]|\\.)+'""", re.S | re.X)
HIDDEN = "\0"  # in place of what is not text; it is not white space, so no phrase extends over it


@dataclass(frozen=True)
class Finding:
    file: str
    line: int
    words: str
    better: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: '{self.words}': write {self.better}"


@dataclass(frozen=True)
class Allowed:
    """A line of the file with the exceptions: files, words, reason."""

    line: int
    files: str
    words: str

    def covers(self, finding: Finding) -> bool:
        return fnmatch(finding.file, self.files) and self.words in ("*", finding.words)


def _hide(text: str) -> str:
    return re.sub(r"\S", HIDDEN, text)


def _comment(text: str) -> str:
    """Without its marks, at the same length."""
    return re.sub(r"(?m)^\s*(?:///?[<!]?|/?\*+/?|#+!?)|\*/$", lambda mark: " " * len(mark[0]), text)


def c_text(source: str) -> str:
    """Comments and strings; all else hidden."""
    parts, end = [], 0
    for token in C_TOKENS.finditer(source):
        parts.append(_hide(source[end:token.start()]))
        end = token.end()
        kind = token.lastgroup
        if kind in ("line", "block"):
            parts.append("\n".join(map(_comment, token[0].split("\n"))))
        elif kind in ("text", "raw"):
            before, after = token.start(kind) - token.start(), token.end() - token.end(kind)
            parts.append(" " * before + token[kind].replace("\\n", "  ") + " " * after)
        else:
            parts.append(_hide(token[0]))
    return "".join(parts) + _hide(source[end:])


def _python_string(literal: str) -> str:
    """Without quotes, and without the expressions of a formatted string."""
    if "f" in literal[:2].lower():
        literal = re.sub(r"\{[^{}]*\}", lambda expression: _hide(expression[0]), literal)
    return re.sub("[\"']", " ", literal)


# Python 3.12 and later divide a formatted string into tokens; this is its text.
PYTHON_TEXT = (tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING))


def python_text(source: str) -> str:
    """Comments and strings; all else hidden."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    parts, end = [], 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in PYTHON_TEXT:
            continue
        start = starts[token.start[0] - 1] + token.start[1]
        parts.append(_hide(source[end:start]))
        # Not token.string: that of a formatted string's text has one brace for two.
        end = starts[token.end[0] - 1] + token.end[1]
        text = source[start:end]
        parts.append({tokenize.COMMENT: _comment, tokenize.STRING: _python_string}.get(token.type, str)(text))
    return "".join(parts) + _hide(source[end:])


def guide_text(source: str) -> str:
    """All but literals within a line."""
    return re.sub(r"``[^`]+``|`[^`\n]+`(?!_)", lambda literal: _hide(literal[0]), source)


def script_text(source: str) -> str:
    """All, with the marks of comments removed."""
    return re.sub(r"(?m)^(\s*)(#+)", lambda mark: mark[1] + " " * len(mark[2]), source)


def text_of(name: str, source: str) -> str | None:
    """What of a file is checked, at its place in the file. None: nothing."""
    suffix = Path(name).suffix
    if suffix in (".cpp", ".hpp", ".c", ".h"):
        return c_text(source)
    if suffix == ".py":
        return python_text(source)
    if suffix in (".rst", ".md"):
        return guide_text(source)
    is_script = source.startswith("#!") or suffix in (".build", ".txt", ".sh", ".conf", ".yml", ".cfg", ".supp")
    return script_text(source) if is_script or Path(name).name == "MAINTAINERS" else None


def findings(name: str, source: str) -> Iterator[Finding]:
    text = text_of(name, source)
    if text is None:
        return
    for pattern, better in RULES:
        for found in pattern.finditer(text):
            yield Finding(name, text.count("\n", 0, found.start()) + 1, " ".join(found[0].split()), better)


def exceptions(text: str) -> list[Allowed]:
    """Lines of the form `files | words | reason`; all three are required."""
    allowed = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != 3 or not all(fields):
            raise ValueError(f"line {number}: expected 'files | words | reason', found '{line}'")
        allowed.append(Allowed(number, fields[0], fields[1]))
    return allowed


def known_files(paths: Sequence[str]) -> list[str]:
    """Files as given, and those that git knows below the folders, relative to the top."""
    relative = [str(Path(path).resolve().relative_to(TOP)) for path in paths]
    output = subprocess.run(["git", "ls-files", "-z", "--", *relative], cwd=TOP, check=True, stdout=subprocess.PIPE)
    return [name for name in output.stdout.decode().split("\0") if name]


def folder_of(name: str) -> str:
    parts = Path(name).parts[:-1]
    return "/".join(parts[:3]) if parts else "."


def check(sources: dict[str, str], allowed: Sequence[Allowed]) -> tuple[list[Finding], list[Allowed]]:
    """The findings without an exception, and the exceptions without a finding in these files."""
    found = [finding for name, source in sources.items() for finding in findings(name, source)]
    unused = [entry for entry in allowed if any(fnmatch(name, entry.files) for name in sources)
              and not any(entry.covers(finding) for finding in found)]
    remaining = [finding for finding in found if not any(entry.covers(finding) for entry in allowed)]
    return sorted(remaining, key=lambda finding: (finding.file, finding.line)), unused


def main(arguments: Sequence[str]) -> int:
    if "-h" in arguments or "--help" in arguments:
        print(__doc__)
        return 0
    paths = [argument for argument in arguments if argument != "--count"]
    try:
        allowed = exceptions(EXCEPTIONS.read_text(encoding="utf-8"))
    except ValueError as error:
        print(f"{EXCEPTIONS.name}: {error}", file=sys.stderr)
        return 2
    sources = {name: (TOP / name).read_text(encoding="utf-8", errors="replace") for name in known_files(paths)
               if (TOP / name).is_file()}
    found, unused = check(sources, allowed)
    if "--count" in arguments:
        for folder, count in sorted(Counter(folder_of(finding.file) for finding in found).items()):
            print(f"{count:5} {folder}")
    else:
        for finding in found:
            print(finding)
    for entry in unused:
        print(f"{EXCEPTIONS.relative_to(TOP)}:{entry.line}: no longer needed: '{entry.words}' in {entry.files}")
    return 1 if found or unused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
