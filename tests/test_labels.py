"""A user's text where there is little room or plotly reads markup."""

from clip_core.charts.labels import plotly_text, short


def test_labels() -> None:
    long = "a wide establishing shot of a crowded night market in the rain"
    assert short(long) == "a wide establish…the rain"
    assert len(short("x" * 5000)) <= 26
    assert short("a dog") == "a dog"
    assert plotly_text('<b>&"x"</b>') == "&lt;b&gt;&amp;&quot;x&quot;&lt;/b&gt;"
