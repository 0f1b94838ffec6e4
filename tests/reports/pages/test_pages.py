"""All pages together: how they are found, and that they know nothing of one another."""

import re
from pathlib import Path

import pytest

from reports import pages

FOLDERS = sorted(path.parent for path in Path(pages.__file__).parent.glob("*/__init__.py"))
NAMES = [folder.name for folder in FOLDERS]


def test_every_folder_is_a_page_in_its_place():
    """A folder is a page by being there; no two share a place, and so their order."""
    found = pages.load()

    assert sorted(module.__name__.rpartition(".")[2] for module in found) == NAMES
    assert len({module.PLACE for module in found}) == len(found)


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_page_imports_no_other_page(folder):
    """What two pages share stands beside them, so that one may be changed or removed by itself."""
    text = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))

    assert set(re.findall(r"reports\.pages(?:\.| import )(\w+)", text)) <= {folder.name}
