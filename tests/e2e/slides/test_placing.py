"""Rectangles are placed in a browser: guessed, dragged, moved by keys, typed, saved, cut out."""

from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from pantile.catalog.database import Database
from tests.e2e.slides.conftest import AddSlides, OpenSlide, Work

TUMOR = (1000, 2500, 3125, 2500)
NORMAL = (4676, 501, 3125, 2500)
"""The first guess: the most tissue of each piece."""

STEP_PX = 10


def placed(database: Database, slide_id: int = 1) -> dict[str, tuple[int, int, int, int]]:
    """What the catalog has of a slide."""
    with database.transaction() as connection:
        row = connection.execute("SELECT rectangles FROM placings WHERE slide_id = %s", [slide_id]).fetchone()
    names = ("left_px", "top_px", "width_px", "height_px")
    documents = row["rectangles"] if row else []
    return {each["tissue_type"]: tuple(each[name] for name in names) for each in documents}


def test_the_first_guess_is_taken_saved_and_cut_out(
    add_slides: AddSlides, slide_file: Path, open_slide: OpenSlide, work: Work, database: Database
) -> None:
    add_slides(slide_file, "a")
    slide = open_slide()
    slide.stands("Guess, not saved")
    assert slide.rectangles == {"tumor": TUMOR, "normal": NORMAL}
    expect(slide.part("tumor")).to_contain_text("3,125 × 2,500 px, 3,125 × 2,500 µm (the study's size)")
    expect(slide.part("normal")).to_contain_text("80 % tissue")

    slide.button("⇄ Swap").click()
    slide.button("Cut out").click()

    slide.stands("Saved, cut out")
    slide.announced("2 ROIs are being cut out.")
    assert placed(database) == {"tumor": NORMAL, "normal": TUMOR}
    work()
    expect(slide.part("tumor")).to_contain_text("cut out as ROI 1")
    with database.transaction() as connection:
        cut = connection.execute("SELECT name, source, state FROM rois ORDER BY name").fetchall()
    assert [(roi["name"], roi["source"], roi["state"]) for roi in cut] == [
        ("a_normal", "slide://1/1000,2500,3125,2500", "stored"),
        ("a_tumor", "slide://1/4676,501,3125,2500", "stored"),
    ]


def test_rectangles_are_dragged_by_their_inside_and_resized_by_their_corners(
    add_slides: AddSlides, slide_file: Path, open_slide: OpenSlide
) -> None:
    add_slides(slide_file, "a")
    slide = open_slide()
    zoom = slide.zoom

    slide.drag(slide.rectangle("tumor").locator(".inside"), right=100, down=-50)
    left, top, width, height = slide.rectangles["tumor"]
    assert (left, top) == pytest.approx((TUMOR[0] + 100 / zoom, TUMOR[1] - 50 / zoom), abs=2)
    assert (width, height) == TUMOR[2:]

    slide.drag(slide.rectangle("tumor").locator('[data-handle="nw"]'), right=40, down=20)
    after = slide.rectangles["tumor"]
    assert after[:2] == pytest.approx((left + 40 / zoom, top + 20 / zoom), abs=2)
    assert (after[0] + after[2], after[1] + after[3]) == (left + width, top + height)
    assert slide.rectangles["normal"] == NORMAL
    slide.stands("Not saved")

    slide.press("z")
    assert slide.rectangles["tumor"] == (left, top, width, height)
    slide.press("z")
    slide.stands("Guess, not saved")
    slide.press("Shift+z", "Shift+z")
    assert slide.rectangles["tumor"] == after


def test_the_slide_is_moved_beside_the_rectangles_and_inside_one_that_fills_the_screen(
    add_slides: AddSlides, slide_file: Path, open_slide: OpenSlide
) -> None:
    add_slides(slide_file, "a")
    slide = open_slide()
    slide.page.evaluate("pantile.stage.goTo({left_px: 2000, top_px: 3500, width_px: 200, height_px: 200})")
    slide.rest()
    before = slide.page.evaluate("pantile.stage.centre()")

    slide.page.mouse.move(800, 500)
    slide.page.mouse.down()
    slide.page.mouse.move(700, 500, steps=4)
    slide.page.mouse.up()
    slide.rest()

    assert slide.page.evaluate("pantile.stage.centre()")["x"] > before["x"] + 10
    assert slide.rectangles["tumor"] == TUMOR


def test_all_is_done_by_keys(
    add_slides: AddSlides, slide_file: Path, open_slide: OpenSlide, database: Database
) -> None:
    """The mouse is never used: placed, moved, resized, taken away, saved, cut out, and on to the next slide."""
    add_slides(slide_file, "a", "b")
    slide = open_slide()
    step = max(1, round(STEP_PX / slide.zoom))

    slide.press("t", "ArrowRight", "ArrowRight", "ArrowDown")
    assert slide.rectangles["tumor"] == (TUMOR[0] + 2 * step, TUMOR[1] + step, *TUMOR[2:])
    slide.press("w", "e", "e", "Shift+w")
    assert slide.rectangles["tumor"][2:] == (TUMOR[2], TUMOR[3] + 2 * step)
    slide.press("d")
    assert slide.rectangles["tumor"][2:] == TUMOR[2:]
    slide.press("n", "Backspace")
    assert set(slide.rectangles) == {"tumor"}
    slide.announced("Normal taken away.")
    slide.press("n")
    left, top, width, height = slide.rectangles["normal"]
    assert (left + width / 2, top + height / 2) == pytest.approx((4500, 3000), abs=2)

    slide.press("Control+s")
    slide.stands("Saved")
    assert placed(database) == slide.rectangles
    slide.press("c")
    slide.stands("Saved, cut out")
    slide.press("j")
    slide.page.wait_for_url("**/slides/2")
    slide.wait_until_open()
    slide.press("c")
    slide.stands("Saved, cut out")
    slide.press("j")
    slide.announced("No other slide of the cohort is without rectangles.")


def test_arrows_move_the_slide_where_no_rectangle_is_chosen(
    add_slides: AddSlides, slide_file: Path, open_slide: OpenSlide
) -> None:
    add_slides(slide_file, "a")
    slide = open_slide()
    slide.press("t", "g")
    slide.rest()
    before = slide.page.evaluate("pantile.stage.centre()")

    slide.press("Escape", "ArrowLeft")
    slide.rest()

    assert slide.page.evaluate("pantile.stage.centre()")["x"] < before["x"] - 100
    assert slide.rectangles["tumor"] == TUMOR


def test_numbers_are_typed_and_nonsense_is_not_taken(
    add_slides: AddSlides, slide_file: Path, open_slide: OpenSlide
) -> None:
    add_slides(slide_file, "a")
    slide = open_slide()

    slide.page.get_by_label("Tumor, Left").fill("-250")
    slide.press("Tab")
    assert slide.rectangles["tumor"] == (-250, *TUMOR[1:])
    expect(slide.part("tumor")).to_contain_text("8 % lies beyond the slide, and will be white.")
    slide.page.get_by_label("Tumor, Width").fill("0")
    slide.press("Tab")
    assert slide.rectangles["tumor"] == (-250, *TUMOR[1:])


def test_what_is_wrong_with_a_rectangle_is_said(add_slides: AddSlides, shared: Path, open_slide: OpenSlide) -> None:
    """A public slide that is smaller than an ROI of the study."""
    add_slides(shared / "data" / "wsi" / "CMU-1-Small-Region.svs", "cmu")
    slide = open_slide()

    expect(slide.part("tumor").locator(".warnings")).to_contain_text("79 % lies beyond the slide, and will be white.")
    slide.announced("Tumor: 79 % lies beyond the slide, and will be white.")
    slide.press("n")
    expect(slide.part("normal").locator(".warnings")).to_contain_text("Overlaps Tumor by")


def test_of_two_people_the_later_one_sees_what_the_first_has_saved(
    add_slides: AddSlides, slide_file: Path, open_slide: OpenSlide, database: Database
) -> None:
    add_slides(slide_file, "a")
    ann, bob = open_slide(account="ann"), open_slide(account="bob")
    ann.press("t", "ArrowUp", "s")
    ann.stands("Saved")

    bob.press("n", "ArrowDown", "s")
    dialog = bob.page.get_by_role("dialog")
    expect(dialog).to_contain_text("ann has saved others since you opened this slide.")
    expect(bob.page.locator(".mark.is-theirs")).to_have_count(2)
    own = bob.rectangles
    bob.button("Look first").click()
    assert bob.rectangles == own
    assert placed(database) == ann.rectangles

    bob.press("s")
    bob.button("Save mine instead").click()
    bob.stands("Saved")
    assert placed(database) == own

    ann.press("t", "ArrowUp", "c")
    ann.button("Take theirs").click()
    ann.stands("Saved")
    assert ann.rectangles == own
    ann.press("z")
    assert ann.rectangles != own


def test_tiles_come_while_one_looks_and_the_tissue_is_shown(
    add_slides: AddSlides, slide_file: Path, open_slide: OpenSlide, work: Work
) -> None:
    add_slides(slide_file, "a")
    slide = open_slide()
    expect(slide.page.locator(".notice")).to_have_text("Tiles are being made; until then this is the overview.")

    work()
    slide.page.wait_for_function("() => pantile.stage.hasTiles")
    expect(slide.page.locator(".notice")).to_be_hidden()
    count = "pantile.stage.osd.world.getItemCount()"
    slide.page.wait_for_function(f"() => {count} === 3")
    slide.press("m")
    opacities = f"Array.from({{length: {count}}}, (_, at) => pantile.stage.osd.world.getItemAt(at).getOpacity())"
    assert sorted(slide.page.evaluate(opacities)) == [0.6, 1, 1]
    expect(slide.button("Tissue")).to_have_attribute("aria-pressed", "true")
    slide.press("m")
    assert sorted(slide.page.evaluate(opacities)) == [0, 1, 1]


def test_tiles_that_cannot_be_made_are_asked_for_again(
    add_slides: AddSlides, slide_file: Path, tmp_path: Path, open_slide: OpenSlide, work: Work
) -> None:
    file = tmp_path / "a.tif"
    file.symlink_to(slide_file)
    add_slides(file, "a")
    file.unlink()
    slide = open_slide()
    work()
    expect(slide.page.locator(".notice")).to_contain_text("Tiles could not be made: The image cannot be fetched")

    file.symlink_to(slide_file)
    slide.button("Try again").click()
    expect(slide.page.locator(".notice")).to_contain_text("Tiles are being made")
    work()

    slide.page.wait_for_function("() => pantile.stage.hasTiles")


def test_what_is_not_saved_is_kept_over_a_dead_network_and_a_reload(
    add_slides: AddSlides, slide_file: Path, open_slide: OpenSlide, database: Database
) -> None:
    add_slides(slide_file, "a")
    slide = open_slide()

    def refuse(route: Route) -> None:
        route.abort()

    slide.page.route("**/placing", refuse)
    slide.press("t", "ArrowUp", "s")
    expect(slide.page.locator(".banner")).to_contain_text(
        "The rectangles are kept in this tab; save again in a moment."
    )
    slide.stands("Not saved")
    changed = slide.rectangles
    slide.page.unroute("**/placing", refuse)

    slide.page.on("dialog", lambda dialog: dialog.accept())
    slide.page.reload()
    slide.wait_until_open()

    assert slide.rectangles == changed
    slide.press("s")
    slide.stands("Saved")
    assert placed(database) == changed


def test_who_leaves_what_is_not_saved_is_asked(
    add_slides: AddSlides, slide_file: Path, open_slide: OpenSlide, database: Database
) -> None:
    add_slides(slide_file, "a", "b")
    slide = open_slide()
    slide.press("t", "ArrowUp", "j")
    slide.button("Stay").click()
    slide.press("j")
    changed = slide.rectangles

    slide.button("Save and go on").click()

    slide.page.wait_for_url("**/slides/2")
    assert placed(database) == changed


def test_who_may_only_look_changes_nothing(add_slides: AddSlides, slide_file: Path, open_slide: OpenSlide) -> None:
    add_slides(slide_file, "a")
    slide = open_slide(account="vera")

    slide.press("t", "ArrowUp", "Backspace", "s", "c", "x")
    slide.drag(slide.rectangle("tumor").locator(".inside"), right=50, down=50)

    assert slide.rectangles == {"tumor": TUMOR, "normal": NORMAL}
    assert slide.button("Save").is_disabled()
    expect(slide.page.locator(".banner")).to_have_text(
        "You may look at this slide; placing rectangles takes the role operator."
    )
