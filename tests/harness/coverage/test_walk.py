"""Walking namespaces: public callables by their dotted names, and what is not there."""

import types

from harness.coverage.walk import walk


def namespace(**names):
    """Return a module that holds these names."""
    made = types.ModuleType("made")
    vars(made).update(names)
    return made


def test_public_callables_are_found():
    """Functions and classes are; modules, numbers and private names are not."""
    inner = namespace(softmax=abs, _hidden=abs, number=1)
    found = walk({"root": namespace(inner=inner, Loss=dict)}, ["root", "root.inner"]).found

    assert found == {"root.Loss": dict, "root.inner.softmax": abs}


def test_missing_namespace_is_told():
    """One that is no attribute, or no module, is missing with its reason, and the others are walked."""
    walked = walk({"root": namespace(softmax=abs)}, ["root.gone", "no_such_package.nn", "root"])

    assert list(walked.missing) == ["root.gone", "no_such_package.nn"]
    assert "no_such_package" in walked.missing["no_such_package.nn"]
    assert list(walked.found) == ["root.softmax"]
