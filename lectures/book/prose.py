"""The lecture's Markdown as HTML: links, pictures, formulas, diffs, console sessions, anchors."""

import posixpath
import re
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from html import escape

from latex2mathml.converter import convert
from listing import highlight
from markdown_it import MarkdownIt
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
    for name, rule in dict(fence=show_fence, image=show_image, code_inline=show_code).items():
        markdown.add_render_rule(name, rule)
    text = re.sub(r"(?s)<!-- nav -->.*?<!-- /nav -->\n", "", lecture.files.get(path, ""))
    text = re.sub(r"(?s)<!-- steps -->.*?<!-- /steps -->\n", '<div class="all-steps"></div>\n', text)
    environment = dict(lecture=lecture, path=path, changes=changes or {}, files=files or {})
    tokens, page = markdown.parse(text, environment), Page()
    collect(tokens, page)
    for token in tokens:
        follow_links(token.children or [], environment)
        if token.content.startswith("**Answer.**"):
            page.answer = "<p>" + markdown.renderer.render([token], markdown.options, environment) + "</p>"
    html = markdown.renderer.render(tokens, markdown.options, environment)
    html = re.sub(r"(?s)<table>.*?</table>", r'<div class="table" tabindex="0">\g<0></div>', html)
    html = re.sub(r'(?s)<p>(<span class="picture".*?</span>)</p>', r"<figure>\1</figure>", html)
    caption = r"</figure>\n<p><em>((?:(?!<em>|</p>).)*)</em></p>"
    page.html = re.sub(caption, r"<figcaption>\1</figcaption></figure>", html, flags=re.S)
    return page


def collect(tokens, page: Page) -> None:
    """Give each heading the anchor that GitHub gives it; collect title, lead and the text of each section."""
    seen, heading = Counter(), None
    for token in tokens:
        if token.type == "heading_open":
            heading = token
        elif token.type == "inline":
            parts = [child for child in token.children if child.type not in ("html_inline", "image")]
            plain = "".join(" " if part.type == "softbreak" else part.content for part in parts)
            if heading:
                anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
                seen[anchor] += 1
                anchor += f"-{seen[anchor] - 1}" if seen[anchor] > 1 else ""
                heading.attrSet("id", anchor)
                page.title = page.title or plain
                page.sections.append((plain, anchor, ""))
            elif page.sections:
                page.lead = page.lead or plain
                page.sections[-1] = (*page.sections[-1][:2], f"{page.sections[-1][2]} {plain}".strip())
            heading = None


def follow_links(tokens, environment: dict) -> None:
    """Rewrite the links among inline tokens; those that lead nowhere become plain text."""
    tags = []
    for token in tokens:
        if token.type == "link_open":
            path, _, anchor = token.attrs["href"].partition("#")
            if path and not path.startswith(("https:", "http:")):
                path = resolve(environment["path"], path)
                url = environment["lecture"].find_url(path, anchor)
                token.tag, token.attrs = ("a", {"href": url}) if url else ("span", {})
            tags.append(token.tag)
        elif token.type == "link_close":
            token.tag = tags.pop()


def resolve(source: str, path: str) -> str:
    """Return the path in the repository of what a text links to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), path))


def show_formula(tex: str, options: dict) -> str:
    """Return a formula as MathML, which every current browser shows without a script or a font of ours."""
    tex = re.sub(r"\\(ln|log|max|min|cos|tanh)\s*(?=[\w\\](?!eft))", r"\\\1\\,", tex)
    tex = re.sub(r"\\\\\[\w+\]", r"\\\\", tex).replace(r"\mathrel{+}=", r"\;\text{+=}\;")
    math = convert(tex, display="block" if options["display_mode"] else "inline")
    return f'<div class="formula" tabindex="0">{math}</div>' if options["display_mode"] else math


def show_image(renderer, tokens, index, options, environment) -> str:
    """Put a picture into the page, so that its colors follow the page's."""
    path = resolve(environment["path"], tokens[index].attrs["src"])
    label = escape(tokens[index].content)
    if "@keyframes" in environment["lecture"].files[path]:  # its styles would reach the whole page
        data = b64encode(environment["lecture"].files[path].encode()).decode()
        image = f'<img src="data:image/svg+xml;base64,{data}" alt="{label}">'
        return f'<span class="picture" tabindex="0">{image}</span>'
    svg = re.sub(r"(?s)<style>.*?</style>|<title>.*?</title>", "", environment["lecture"].files[path])
    svg = re.sub(r'<rect (?:x="0" y="0" )?width="\d+" height="\d+" class="f-paper"/>', "", svg, count=1)
    svg = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{posixpath.basename(path)[:-4]}-", svg)
    svg = re.sub(r' width="\d+" height="\d+" role="img"', f' role="img" aria-label="{label}"', svg, count=1)
    return f'<span class="picture" tabindex="0">{svg.strip()}</span>'


def show_code(renderer, tokens, index, options, environment) -> str:
    """Show code in a line: --flags are kept whole at the end of a line, long names break after a _."""
    html = re.sub(r"(?<![\w-])--?[\w-]+", r'<span class="w">\g<0></span>', escape(tokens[index].content))
    return "<code>" + re.sub(r"\w{25,}", lambda match: match[0].replace("_", "_<wbr>"), html) + "</code>"


def show_fence(renderer, tokens, index, options, environment) -> str:
    """Show a fenced block: a diff hunk by hunk, a console session, commands, Python, or plain text."""
    kind, text = tokens[index].info.split(" ")[0], tokens[index].content.rstrip("\n")
    if kind == "diff":
        parts = re.split(r"(?m)^@@ ?(.*?) ?@@\n", text if text.startswith("@@") else f"@@ @@\n{text}")[1:]
        hunks = zip(parts[::2], parts[1::2], strict=True)
        return "".join(show_hunk(label, body.rstrip("\n").split("\n"), environment) for label, body in hunks)
    lines = highlight(text, "py" if kind == "python" else "txt")
    if kind == "console":
        lines = [re.sub(r" (--\w+)", r' <span class="w">\1</span>', line) for line in lines]
    body = re.sub(r"(?m)^(\$ .*)\n?", r'<b class="cmd">\1</b>', "\n".join(lines))
    if not kind:  # commands: their comments are quieter
        body = re.sub(r"(?m)(^| {2,})(# .*)", r"\1<b class=c>\2</b>", body)
    return f'<pre class="{kind or "text"}" tabindex="0"><code>{body}</code></pre>\n'


def show_hunk(label: str, lines: list[str], environment: dict) -> str:
    """Show one hunk of a diff; its caption says where it is."""
    added, removed = ([line[1:] for line in lines if line[:1] == sign] for sign in "+-")
    path, number = locate(label, added, removed, environment["changes"], environment["files"])
    kind = path.rpartition(".")[2] or "py"
    after, rows = iter(highlight("\n".join(line[1:] for line in lines if line[:1] != "-"), kind)), []
    for line in lines:
        html = highlight(line[1:], kind)[0] if line[:1] == "-" else next(after)
        rows.append(
            f"<i{dict(zip('+-', (' class=a', ' class=d'), strict=True)).get(line[:1], '')}>{html}</i>"
        )
    place = re.sub(rf"^{re.escape(path)}\b[,:]? ?", "", label) if path else label
    count = " ".join(f"{sign}{len(part)}" for sign, part in (("+", added), ("−", removed)) if part)
    head = f"<b>{path}</b><span>{escape(place)}</span><small>{count}</small>"
    body = f'<figcaption>{head}</figcaption><pre tabindex="0"><code>{"".join(rows)}</code></pre>'
    return f'<figure class="hunk" data-file="{path}" data-line="{number}">{body}</figure>\n'


def locate(label: str, added: list[str], removed: list[str], changes: dict, files: dict) -> tuple[str, int]:
    """Return the file and line of a hunk: where most of its lines follow each other; -N: removed before N."""
    best = (0, "", 0)
    for path in [path for path in changes if path in label] or changes:
        lines = files.get(path, "").split("\n")
        for number in changes[path].added:
            pairs = zip(added, lines[number - 1 :], strict=False)
            same = next((at for at, (one, other) in enumerate(pairs) if one != other), len(added))
            best = max(best, (same, path, number))
        for number, gone in changes[path].removed.items():
            best = max(best, (0.5 * (removed[:1] in [[line] for line in gone]), path, -number))
    return best[1:]
