"""The guide's questions as pages: those that the run asked, with its figures, and nothing that is markup."""

from tests.reports.pages.test_guide import answer, material, wrong
from tools import questions


def test_asked_questions_have_a_page():
    """A question that the run asked has its title, sentence, table and provenance; one that it did not has no page."""
    pages = dict(questions.pages(material(answer("torch.steady", 9.0)), "Measured here."))

    assert pages["choice"].startswith("# Which function do I call?\n\n")
    assert "| torch.steady (dense_xent, fused) |" in pages["choice"]
    assert "5.9 digits" in pages["choice"]
    assert pages["choice"].endswith("Measured here.\n")
    assert "sums-to-one" not in pages


def test_marks_and_what_came_are_told():
    """A known deviation has its sign, and what came instead of what is exact."""
    page = material(answer("torch.a|b", 9.0), wrong("torch.a|b", "inf", "122.87", family="extremes", judgement="known"))

    text = dict(questions.pages(page, ""))["choice"]

    assert "extremes ! (inf instead of 122.87)" in text
    assert "torch.a\\|b" in text
