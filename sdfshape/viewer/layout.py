"""How the page looks: a drawer with the controls on the left, the picture beside it. Every widget is made from the list of controls."""

from __future__ import annotations

from typing import Any

DRAWER = 330  # pixels
SET = "trigger('set', [c.name, $event, {final}])"


def build(server: Any, window: Any) -> Any:
    """Lay the page out; returns the view, to be told to send a new picture."""
    from trame.ui.vuetify3 import VAppLayout
    from trame.widgets import html, vtk
    from trame.widgets import vuetify3 as v3

    server.state.help = False
    server.state.client_only("help", "opened")  # of each browser its own
    server.state.opened = [0]
    with VAppLayout(server, full_height=True):
        with v3.VNavigationDrawer(permanent=True, width=DRAWER, id="controls"):
            _header(html)
            _progress(html, v3)
            _controls(html, v3)
        with v3.VMain(style="height: 100vh; position: relative; overflow: hidden"):
            view = vtk.VtkRemoteView(window, ref="picture", interactive_quality=70, interactive_ratio=1, still_quality=92, still_ratio=1,
                                     style="width: 100%; height: 100%")  # fmt: skip
            _overlays(html, v3)
    return view


def _header(html: Any) -> None:
    with html.Div(classes="px-4 pt-3 pb-1 d-flex align-center"):
        html.Div("{{ file }}", classes="text-subtitle-2 text-truncate flex-grow-1", id="file", title=("file",))
        html.Div("? keys", classes="text-caption text-medium-emphasis", style="cursor: pointer", click="help = true", id="help-button")


def _progress(html: Any, v3: Any) -> None:
    with html.Div(v_if="progress", classes="px-4 pb-2"):
        html.Div("{{ progress }}", classes="text-caption", id="progress")
        html.Img(v_if="chart", src=("chart",), style="width: 100%", id="chart", alt="loss")


def _controls(html: Any, v3: Any) -> None:
    panels = v3.VExpansionPanels(multiple=True, variant="accordion", v_model=("opened",), flat=True)
    with panels, v3.VExpansionPanel(v_for="g, j in groups", key=("g.name",)):
        with v3.VExpansionPanelTitle(classes="py-2", style="min-height: 40px"):
            html.Div("{{ g.name }}", classes="text-body-2 font-weight-medium text-truncate")
        with v3.VExpansionPanelText():
            html.Div("{{ counts[g.name] }}", v_if="counts[g.name]", classes="text-caption text-medium-emphasis counted")
            with html.Div(v_for="c in g.controls", key=("c.name",), title=("c.help",), id=("'control-' + c.name",)):
                _widget(html, v3)


def _widget(html: Any, v3: Any) -> None:
    """One of five kinds."""
    common = {"density": "compact", "hide_details": True, "color": "primary"}
    number = "{{ Number(values[c.name]).toFixed(c.decimals) }} {{ c.unit }}"
    ends = "{{ Number(values[c.name][0]).toFixed(c.decimals) }} to {{ Number(values[c.name][1]).toFixed(c.decimals) }} {{ c.unit }}"
    v3.VSwitch(v_if="c.kind === 'toggle'", label=("c.label + (c.key ? '  (' + c.key + ')' : '')",), model_value=("values[c.name]",),
               update_modelValue=f"values[c.name] = $event; {SET.format(final='true')}", **common)  # fmt: skip
    v3.VSelect(v_if="c.kind === 'choice'", label=("c.label + (c.key ? '  (' + c.key + ')' : '')",), items=("c.choices",),
               model_value=("values[c.name]",), update_modelValue=f"values[c.name] = $event; {SET.format(final='true')}",
               variant="outlined", classes="my-2", **common)  # fmt: skip
    for kind, shown, widget in (("slider", number, v3.VSlider), ("range", ends, v3.VRangeSlider)):
        with html.Div(v_if=f"c.kind === '{kind}'", classes="mt-1"):
            with html.Div(classes="d-flex text-caption"):
                html.Div("{{ c.label }}", classes="flex-grow-1")
                html.Div(shown, classes="text-medium-emphasis", id=("'value-' + c.name",))
            drag, end = f"values[c.name] = $event; {SET.format(final='false')}", SET.format(final="true")
            step = ("(c.hi - c.lo) / 500",)
            widget(model_value=("values[c.name]",), min=("c.lo",), max=("c.hi",), step=step, update_modelValue=drag, end=end, **common)
    click = "c.group === 'Save' ? window.sdfshapeSave(c.name) : trigger('act', [c.name])"
    v3.VBtn("{{ c.label }}{{ c.key ? '  (' + c.key + ')' : '' }}", v_if="c.kind === 'action'", click=click, size="small", variant="tonal",
            classes="my-1 text-none", block=True)  # fmt: skip


def _overlays(html: Any, v3: Any) -> None:
    card = "position: absolute; right: 12px; top: 12px; max-width: 420px; user-select: text; opacity: .93"
    with v3.VCard(v_if="readings.length", style=card, classes="pa-3", id="readings"):
        html.Div("{{ measured }}", v_if="measured", classes="text-subtitle-2", id="measured")
        with (
            html.Table(v_for="lines, j in readings", key=("j",), classes="text-caption mt-1"),
            html.Tr(v_for="line in lines", key=("line[0]",)),
        ):
            html.Td("{{ line[0] }}", classes="pr-3 text-medium-emphasis", style="vertical-align: top")
            html.Td("{{ line[1] }}", id=("'reading-' + line[0]",))
    said = f"position: absolute; left: {DRAWER + 12}px; top: 10px; max-width: 55%; pointer-events: none"
    with html.Div(style=said, classes="text-caption"):
        html.Span(
            "{{ status }}", v_if="status", id="status", style="background: #ffffffcc; padding: 2px 6px; border-radius: 4px; color: #222"
        )
        html.Span("{{ busy }}", v_if="busy", id="busy", style="background: #fff3d6; padding: 2px 6px; border-radius: 4px; color: #553")
    with v3.VDialog(v_model=("help", False), max_width=520), v3.VCard(title="Keys and mouse", id="help"):
        with v3.VCardText(), html.Table(), html.Tr(v_for="pair, j in keys", key=("j",)):
            html.Td("{{ pair[0] }}", classes="pr-4 font-weight-medium", style="white-space: nowrap")
            html.Td("{{ pair[1] }}")
        with v3.VCardActions():
            v3.VBtn("Close", click="help = false")
