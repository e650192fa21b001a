"""One video: prompts → curves → flagged moments. Reads from top to bottom, as the page does."""

from __future__ import annotations

from pages.regions.chart import chart, curves
from pages.regions.download import files
from pages.regions.investigation import choose_investigation
from pages.regions.moments import in_out, moment_list, review, table
from pages.regions.search import everywhere
from pages.regions.sidebar import prompt_pictures, prompts, settings_io
from pages.regions.viewer import playhead, view_menu
from pages.regions.viewer.viewer import Scene, see_what_plays
from pages.shared import page


def main() -> None:
    """Draw the page."""
    settings_io.take_link()
    settings_io.take_file()
    investigation = choose_investigation()
    if investigation is None:
        return
    video, record, wanted = investigation.video, investigation.record, investigation.prompts
    request, store, shown = investigation.request, investigation.request.store, prompts.settle_shown(wanted)
    listed = moment_list.settle_reviewed(investigation.detection, record, store, set(wanted.texts) - set(shown))
    found = moment_list.shown_detection(investigation.detection, listed)
    playable = see_what_plays(video, record, investigation.config)
    head = playhead.settle_playhead(record, found.scores, clicked_s=table.take_clicked_start())
    in_out.settle_in_out(record, head)
    prompt_pictures.take_frame(video, record, head)
    to_walk = moment_list.moments_to_walk(found, listed)
    scene = Scene(video, record, found, to_walk, wanted, investigation.signal, head, playable, store)
    reviewing = review.Review(scene, listed, store)
    place = investigation.opened.done()
    left, middle, right = place.container(key="top_row").columns([46, 25, 29], gap="small")
    with left:
        scene.draw_picture()
    with middle:
        scene.draw_ranking()
    with right:
        downloads_place = reviewing.draw()
    with place:
        scene.draw_transport()
        look, row = view_menu.draw_options(wanted, shown, scene.taken_px, chart.proposal_px(len(shown)))
        settings_place = row.container(width="content")
        with row:
            chart.draw_explanation(request.encoder)
            everywhere.draw_everywhere(record, head, listed, wanted, store)
        view = scene.timeline(shown, look, curves.unfinished_part(request, investigation.indexed, found.scores))
        chart.draw_proposal(len(shown))
        scene.draw_chart(view, reviewing.edges(), fits=look.fits)
        chart.draw_footer(request, investigation.indexed, found)
    bundle = scene.bundle(files.moments_for_files(listed), listed.reviewed, request.encoder)
    with downloads_place:
        files.draw_downloads(bundle, view, listed)
    with settings_place:
        settings_io.draw_settings_menu(bundle, listed, investigation.config, head.frame)


page.show(main)
