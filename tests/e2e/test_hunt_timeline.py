"""entente hunt scan --format html: hits over time, on a page that runs nothing.

Exercises hunt_timeline (src/cli).
"""
import html.parser

LINE = "{ip} - - [17/May/2024:{hour:02}:05:57 +0000] \"GET /a HTTP/1.1\" 200 5\n"


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.attributes = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]

    def handle_data(self, data):
        self.texts.append(data)


def scanned(entente, *arguments):
    (entente.folder / "list.txt").write_text("203.0.113.7\nevil.example\n")
    entente("hunt", "build", "-o", "intel.table", "list.txt")
    hostile = entente.folder / "<script>alert(1)<&\".log"
    hostile.write_text(LINE.format(ip="203.0.113.7", hour=1) * 3
                       + LINE.format(ip="203.0.113.7", hour=23) + "www.evil.example no time\n"
                       + LINE.format(ip="192.0.2.1", hour=5))
    done = entente("hunt", "scan", "--table", "intel.table", "--format", "html", *arguments,
                   hostile, status=1)
    return Page(done.stdout), done.stdout


def test_a_row_for_each_indicator_and_a_bar_for_each_time(entente):
    page, text = scanned(entente)
    assert page.tags.count("rect") == 2  # early and late; the line without a time has no bar
    starts = [int(value) for tag, name, value in page.attributes if (tag, name) == ("rect", "x")]
    assert starts == [0, 590]
    assert "2024-05-17T01:05:57" in text and "2024-05-17T23:05:57" in text
    shown = " ".join(page.texts)
    assert shown.index("203.0.113.7") < shown.index("evil.example")  # the most frequent first
    assert "192.0.2.1" not in text and "no time" not in text  # no lines


def test_what_comes_from_outside_is_text_and_nothing_is_run(entente):
    page, text = scanned(entente)
    assert any("<script>alert(1)" in each for each in page.texts)
    assert not {"script", "link", "img", "iframe", "form"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name == "style"]
    policy = next(value for tag, name, value in page.attributes
                  if tag == "meta" and name == "content")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in text


def test_in_french_too(entente):
    page, text = scanned(entente, "--lang", "fr")
    assert "Correspondances dans le temps" in text and 'lang="fr"' in text
    assert "Hits" not in text
