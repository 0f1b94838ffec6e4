"""Vendored libraries: the bytes that were built, with their licences, asking no network, in every wheel."""

import base64
import gzip
import hashlib
import json
import re
import tomllib
from pathlib import Path

import pytest

from reports import vendor

ROOT = Path(__file__).parents[2]
MANIFEST = json.loads((vendor.HERE / "manifest.json").read_text("utf-8"))
GRANTS = {
    "Apache-2.0": "Apache License\n                           Version 2.0",
    "BSD-3-Clause": "Redistribution and use in source and binary forms",
    "MIT": "Permission is hereby granted, free of charge",
    "0BSD": "Permission to use, copy, modify, and/or distribute this software",
}

each_library = pytest.mark.parametrize("name", MANIFEST)


def test_manifest_names_every_bundle():
    """No bundle lies here that the manifest does not know."""
    assert {f"{name}.js" for name in MANIFEST} == {path.name for path in vendor.HERE.glob("*.js")}


@each_library
def test_files_are_those_that_were_built(name):
    """Each file's SHA-256 is the manifest's."""
    hashes = MANIFEST[name]["sha256"]

    assert set(hashes) == {f"{name}.js", f"{name}.licences.txt"}
    assert hashes == {file: hashlib.sha256((vendor.HERE / file).read_bytes()).hexdigest() for file in hashes}


@each_library
def test_licence_of_every_package_is_there(name):
    """The licences' file has the text of each package that the bundle is made of."""
    text = (vendor.HERE / f"{name}.licences.txt").read_text("utf-8")

    for package, made in MANIFEST[name]["packages"].items():
        version, licence = made.split(", ")
        assert f"{package} {version}: LICENSE" in text
        assert GRANTS[licence] in text.partition(f"{package} {version}: LICENSE")[2]


def test_notice_is_there():
    """The notice that the Apache licence wants passed on is."""
    assert "Apache ECharts\nCopyright" in (vendor.HERE / "echarts.licences.txt").read_text("utf-8")


def test_versions_are_those_of_the_lock_file():
    """What the bundles are made of is what npm is told to install, by name, number and hash, from whatever registry."""
    lock = json.loads((vendor.HERE / "package-lock.json").read_text("utf-8"))["packages"]
    made = {
        package: text.split(", ")[0] for library in MANIFEST.values() for package, text in library["packages"].items()
    }

    assert (
        made.items()
        <= {path.rpartition("node_modules/")[2]: entry.get("version") for path, entry in lock.items()}.items()
    )
    assert all(
        entry["integrity"].startswith("sha512-") and "resolved" not in entry for path, entry in lock.items() if path
    )


@each_library
def test_asks_no_network(name):
    """No bundle has a call that could ask the network, or run text as code behind a policy's back."""
    code = (vendor.HERE / f"{name}.js").read_text("utf-8")

    assert (
        re.findall(
            r"\bfetch\(|XMLHttpRequest|sendBeacon|WebSocket\b|new EventSource|importScripts|\bimport\(|\beval\(", code
        )
        == []
    )


@each_library
def test_report_carries_code_with_its_licences(name):
    """Unpacked, a library is its licences as one comment, and the bundle byte for byte."""
    unpacked = gzip.decompress(base64.b64decode(vendor.pack(name)))
    licences, end, code = unpacked.partition(b"*/\n")

    assert licences == b"/*\n" + (vendor.HERE / f"{name}.licences.txt").read_bytes()
    assert end
    assert code == (vendor.HERE / f"{name}.js").read_bytes()


@each_library
def test_wheel_holds_what_the_report_reads(name):
    """What is read of a library is package data."""
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"][
        "reports"
    ]
    packaged = {path for pattern in patterns for path in (ROOT / "reports").glob(pattern)}

    assert {vendor.HERE / file for file in MANIFEST[name]["sha256"]} <= packaged
