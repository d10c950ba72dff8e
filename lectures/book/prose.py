"""The lecture's Markdown as HTML: links, pictures, formulas, diffs, console sessions, anchors."""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from os.path import commonprefix
from pathlib import PurePosixPath
from urllib.parse import urljoin

from latex2mathml.converter import convert
from listing import highlight
from markdown_it import MarkdownIt
from mdit_py_plugins.anchors import anchors_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin


@dataclass
class Page:
    """A rendered text."""

    title: str = ""
    lead: str = ""  # its first paragraph, plain
    html: str = ""
    answer: str = ""  # the paragraph that answers "Predict"
    sections: list[tuple[str, str, str]] = field(default_factory=list)  # heading, anchor, plain text


def render(path: str, lecture, changes=None, files=None) -> Page:
    """Render a text; with the changes and files of a step, the hunks of its page have places in them."""
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")
    dollarmath_plugin(markdown, allow_space=False, allow_digits=False, renderer=show_formula)
    anchors_plugin(markdown, max_level=6)  # those that GitHub gives to headings
    for name, rule in dict(fence=show_fence, image=show_image, code_inline=show_code).items():
        markdown.add_render_rule(name, rule)
    text = re.sub(r"(?s)<!-- (nav|github) -->.*?<!-- /\1 -->\n", "", lecture.files.get(path, ""))
    text = re.sub(r"(?s)<!-- steps -->.*?<!-- /steps -->\n", '<div class="all-steps"></div>\n', text)
    text = re.sub("<summary>.*`", lambda match: re.sub("`(.*?)`", r"<code>\1</code>", match[0]), text)
    environment = dict(lecture=lecture, path=path, changes=changes or {}, files=files or {})
    tokens, page = markdown.parse(text, environment), Page()
    collect(tokens, page)
    for token in tokens:
        follow_links(token.children or [], environment)
    html = markdown.renderer.render(tokens, markdown.options, environment)
    page.answer = next(iter(re.findall(r"(?s)<p><strong>Answer\.</strong>.*?</p>", html)), "")
    html = re.sub(r"(?s)<table>.*?</table>", r'<div class="table" tabindex="0">\g<0></div>', html)
    html = re.sub(r'(?s)<p>(<span class="picture".*?</span>)</p>', r"<figure>\1</figure>", html)
    caption = r"</figure>\n<p><em>((?:(?!<em>|</p>).)*)</em></p>"
    page.html = re.sub(caption, r"<figcaption>\1</figcaption></figure>", html, flags=re.S)
    return page


def collect(tokens, page: Page) -> None:
    """Collect the title of a text, its lead, and the words of each section."""
    for before, token in pairwise(tokens):
        if token.type == "inline":
            parts = [child for child in token.children if child.type not in ("html_inline", "image")]
            plain = "".join(" " if part.type == "softbreak" else part.content for part in parts)
            if before.type == "heading_open":
                page.title = page.title or plain
                page.sections.append((plain, before.attrs["id"], ""))
            elif page.sections:
                page.lead = page.lead or plain
                page.sections[-1] = (*page.sections[-1][:2], f"{page.sections[-1][2]} {plain}".strip())


def follow_links(tokens, environment: dict) -> None:
    """Rewrite the links among inline tokens; those that lead nowhere become plain text."""
    tag = ""  # of the link that is open
    for token in tokens:
        if token.type == "link_open":
            path, _, anchor = token.attrs["href"].partition("#")
            if path and not path.startswith(("https:", "http:")):
                url = environment["lecture"].find_url(urljoin(environment["path"], path), anchor)
                token.tag, token.attrs = ("a", {"href": url}) if url else ("span", {})
            tag = token.tag
        elif token.type == "link_close":
            token.tag = tag


def show_formula(tex: str, options: dict) -> str:
    """Return a formula as MathML, which every current browser shows without a script or a font of ours."""
    tex = re.sub(r"\\(ln|log|max|min|cos|tanh)\s*(?=[\w\\](?!eft))", r"\\\1\\,", tex)
    tex = re.sub(r"\\\\\[\w+\]", r"\\\\", tex).replace(r"\mathrel{+}=", r"\;\text{+=}\;")
    math = convert(tex, display="block" if options["display_mode"] else "inline")
    return f'<div class="formula" tabindex="0">{math}</div>' if options["display_mode"] else math


def show_image(renderer, tokens, index, options, environment) -> str:
    """Put a picture into the page, so that its colors follow the page's."""
    path, label = urljoin(environment["path"], tokens[index].attrs["src"]), escape(tokens[index].content)
    svg = environment["lecture"].files[path]
    if "@keyframes" in svg:  # its styles would reach the whole page
        data = b64encode(svg.encode()).decode()
        image = f'<img src="data:image/svg+xml;base64,{data}" alt="{label}">'
        return f'<span class="picture" tabindex="0">{image}</span>'
    svg = re.sub(r"(?s)<style>.*?</style>|<title>.*?</title>", "", svg)
    svg = re.sub(r'<rect (?:x="0" y="0" )?width="\d+" height="\d+" class="f-paper"/>', "", svg, count=1)
    svg = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{PurePosixPath(path).stem}-", svg)
    svg = re.sub(r' width="\d+" height="\d+" role="img"', f' role="img" aria-label="{label}"', svg, count=1)
    return f'<span class="picture" tabindex="0">{svg.strip()}</span>'


def show_code(renderer, tokens, index, options, environment) -> str:
    """Show code in a line: --flags are kept whole at the end of a line, long names break after a _."""
    html = re.sub(r"(?<![\w-])--?[\w-]+", r'<span class="w">\g<0></span>', escape(tokens[index].content))
    return "<code>" + re.sub(r"\w{25,}", lambda match: match[0].replace("_", "_<wbr>"), html) + "</code>"


def show_fence(renderer, tokens, index, options, environment) -> str:
    """Show a fenced block: a diff hunk by hunk, a session, commands, Python, or text."""
    kind, text = tokens[index].info.split(" ")[0] or "text", tokens[index].content.rstrip("\n")
    if kind == "diff":
        parts = re.split(r"(?m)^@@ ?(.*?) ?@@\n", text if text.startswith("@@") else f"@@ @@\n{text}")[1:]
        hunks = zip(parts[::2], parts[1::2], strict=True)
        return "".join(show_hunk(label, body.rstrip("\n").split("\n"), environment) for label, body in hunks)
    lines = highlight(text, "py" if kind == "python" else "txt")
    if kind in ("text", "console"):
        lines = [re.sub(r" (--\w+)", r' <span class="w">\1</span>', line) for line in lines]
        lines = [re.sub(r"(^| {2,})(# .*)", r"\1<b class=c>\2</b>", line) for line in lines]
    start = r"(\w+=\S+ )*(\$|\S*python3?|make|git|torchrun|cd|source|pip|uv)" if kind == "text" else r"\$"
    body = re.sub(rf"(?m)^({start} .*)\n?", r'<b class="cmd">\1</b>', "\n".join(lines))
    return f'<pre class="{kind}" tabindex="0"><code>{body}</code></pre>\n'


def show_hunk(label: str, lines: list[str], environment: dict) -> str:
    """Show one hunk of a diff; its caption says where it is."""
    added, removed = ([line[1:] for line in lines if line[:1] == sign] for sign in "+-")
    path, number = locate(label, added, removed, environment["changes"], environment["files"])
    kind = path.rpartition(".")[2] or "py"
    after = iter(highlight("\n".join(line[1:] for line in lines if line[:1] != "-"), kind))
    shown = [highlight(line[1:], kind)[0] if line[:1] == "-" else next(after) for line in lines]
    marks = [{"+": " class=a", "-": " class=d"}.get(line[:1], "") for line in lines]
    rows = "".join(f"<i{mark}>{html}</i>" for mark, html in zip(marks, shown, strict=True))
    place = re.sub(rf"^{re.escape(path)}\b[,:]? ?", "", label) if path else label
    count = " ".join(f"{sign}{len(part)}" for sign, part in (("+", added), ("−", removed)) if part)
    head = f"<b>{path}</b><span>{escape(place)}</span><small>{count}</small>"
    body = f'<figcaption>{head}</figcaption><pre tabindex="0"><code>{rows}</code></pre>'
    return f'<figure class="hunk" data-file="{path}" data-line="{number}">{body}</figure>\n'


def locate(label: str, added: list[str], removed: list[str], changes: dict, files: dict) -> tuple[str, int]:
    """Return the file and line of a hunk: where most of its lines follow each other; -N: removed before N."""
    best = (0, "", 0)
    for path in [path for path in changes if path in label] or changes:
        lines = files.get(path, "").split("\n")
        for number in changes[path].added:
            same = commonprefix([added, lines[number - 1 :]])
            best = max(best, (len(same), path, number))
        for number, gone in changes[path].removed.items():
            best = max(best, (0.5 * (removed[:1] in [[line] for line in gone]), path, -number))
    return best[1:]
