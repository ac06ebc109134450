"""Texts that would run scripts, call other sites, break out of their frame, hide, mislead or take for ever.

``TEXTS`` are short or clever, ``STORMS`` are a megabyte of one fragment; ``HOSTILE`` is all of them by name.
"""
# ruff: noqa: E501 (a text that is wrapped is another text)

ELSEWHERE = "https://elsewhere.example"
MEGABYTE = 1_000_000

MARKUP = {
    "script": f"<script>alert(1)</script><script src='{ELSEWHERE}/x.js'></script>",
    "handlers": f"<img src={ELSEWHERE}/a.png onerror=alert(1)><body onload=alert(1)>"
    "<details open ontoggle=alert(1)>",
    "svg": "<svg><script>alert(1)</script><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>"
    "<svg onload=alert(1)><math><mi xlink:href='data:x,<script>alert(1)</script>'>",
    "svg animation": "<svg><a><animate attributeName=href values=javascript:alert(1) /><text>x</text></a>"
    "<set attributeName=onmouseover to=alert(1)><use href='data:image/svg+xml,<svg id=x onload=alert(1)>#x'>",
    "svg style": f"<svg><style>@import '{ELSEWHERE}/s.css';</style><foreignObject><iframe src=javascript:alert(1)>",
    "css": f"<style>body{{display:none;background:url({ELSEWHERE}/b)}}</style>"
    '<p style="position:fixed;inset:0;background:expression(alert(1))">x</p>'
    f"<link rel=stylesheet href='{ELSEWHERE}/c.css'>",
    "css escapes": "<div style='back\\67round:u\\72l(javascript:alert(1))'>x</div>"
    "<style>@\\69mport 'data:text/css,*{color:red}'</style>",
    "meta": f"<meta http-equiv=refresh content='0;url={ELSEWHERE}'><base href='{ELSEWHERE}/'>"
    f"<iframe src='{ELSEWHERE}'></iframe>",
    "frames": "<iframe srcdoc='<script>alert(1)</script>'></iframe><frameset><frame src=javascript:alert(1)>"
    f"<object data='{ELSEWHERE}/o'></object><embed src='{ELSEWHERE}/e'><portal src='{ELSEWHERE}'>",
    "unclosed": "</div></article></main><!-- <textarea><title><table><tr><td><select><plaintext>"
    "\n```\n</code></pre>",
    "unclosed attribute": '<img src="x` `<script>alert(1)</script>"` `>\n<a href="\n\n" onclick=alert(1) x="',
    "forms": f"<form action='{ELSEWHERE}'><button name=choice value=first>A is better</button></form>"
    "<input autofocus onfocus=alert(1)> <p hx-get='/' hx-trigger='load' hx-target='body'>x</p>",
    "form of the page": "<button form=ballot formaction=javascript:alert(1)>A</button><input name=csrfmiddlewaretoken>"
    "<form id=ballot><input name=parentNode><input name=attributes>",
    "htmx": "<div hx-get='/' hx-trigger=load></div><a data-hx-post='/logout/' hx-on:load='alert(1)'>x</a>"
    "<script type=text/hyperscript>on load alert(1)</script>",
    "clobbering": "<a id=next name=next></a><img name=body><form id=main><input id=innerHTML name=cookie></form>",
    "comments": "<!--><script>alert(1)</script>--> <!--->x--> <![CDATA[<script>alert(1)</script>]]> <?xml?> <!DOCTYPE x>",
    "noscript": '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>'
    "<template><script>alert(1)</script></template><xmp><p title='</xmp><img src=x onerror=alert(1)>'>",
    "broken tags": "<<script>alert(1)//<</script> <img/src=x/onerror=alert(1)> <svg/onload=alert(1)// <a\x0chref=x>"
    "<sCrIpT>alert(1)</sCrIpT> <scr<script>ipt>alert(1)</scr</script>ipt>",
    "media": f"<video src={ELSEWHERE}/v autoplay onplay=alert(1)><audio src={ELSEWHERE}/a><source onerror=alert(1)>"
    f"<picture><img srcset='{ELSEWHERE}/i 1x'></picture><track src={ELSEWHERE}/t>",
    "popover": "<button popovertarget=keys>x</button><div id=keys popover=auto onbeforetoggle=alert(1)>x</div>"
    "<dialog open>x</dialog><marquee onstart=alert(1)>x</marquee>",
    "code": '```html" onmouseover=alert(1)\n<script>alert(1)</script>\n```\n\n'
    "~~~<b>\n</code></pre><img src=x onerror=alert(1)>",
    "language": '```"><script>alert(1)</script>\nx\n```\n\n```python{.x onload=alert(1)}\nx\n```\n\n~~~&quot;onclick=alert(1)\nx',
    "templates": "{{ 7 * 7 }} {% csrf_token %} ${alert(1)} {%debug%} \\u003cscript\\u003e <%= 7 %> #{7} [[7*7]]",
    "entities": "&lt;script&gt;alert(1)&lt;/script&gt; &#60;img src=x onerror=alert(1)&#62; &#x3c;b&#x3E; &lt &NotAName;"
    " &#0; &#xD800; &#x110000; &#99999999999; &amp;lt;script&amp;gt;",
}

LINKS = {
    "links": "[here](javascript:alert(1)) <javascript:alert(1)> [d](data:text/html,<script>alert(1)</script>)"
    " [v](vbscript:x) <a href='&#106;avascript:alert(1)'>there</a> [j](java\nscript:alert(1))",
    "links by entity": "[a](&#106;avascript:alert(1)) [b](&#x6A;avascript&colon;alert(1)) [c](javascript&#58;alert(1))"
    " [d](java&Tab;script:alert(1)) [e](java&NewLine;script:alert(1))",
    "links by case": "[a](JaVaScRiPt:alert(1)) [b](  javascript:alert(1)) [c](<\tjavascript:alert(1)>)"
    " [d](\x01javascript:alert(1)) [e](javas\u0441ript:alert(1)) [f](\u200bjavascript:alert(1))",
    "links by escape": "[a](\\javascript:alert(1)) [b](java\\script:alert(1)) [c](javascript\\:alert(1))"
    " [d](%6Aavascript:alert(1)) [e](javascript%3Aalert(1)) [f](javascript://%0aalert(1))",
    "links by reference": "[a]: javascript:alert(1)\n[b]: <data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==>\n"
    "[c]: //elsewhere.example 'x\" onmouseover=\"alert(1)'\n\n[a] [b][] [x][c] ![a] ![y][b]",
    "links to the site": "[a](/accounts/logout/) [b](?choice=first) [c](#next) [d](../admin/) [e](//elsewhere.example)"
    " [f](\\\\elsewhere.example) [g](http:) [h](https://) [i](http:/admin/) [j](http:admin) [k](mailto:)",
    "links of other schemes": "[a](file:///etc/passwd) [b](blob:x) [c](filesystem:x) [d](ws://x) [e](about:blank)"
    " [f](intent://x) [g](ms-msdt:x) [h](tel:1) [i](view-source:x) [j](jar:x) [k](feed:javascript:alert(1))",
    "link titles": 'See [a](https://x.example \'x" onmouseover="alert(1)\') [b](https://x.example "\'><script>alert(1)</script>")'
    f' [c]({ELSEWHERE}/"onclick=alert(1)) [d](<{ELSEWHERE}/a b" onclick=alert(1)>)',
    "link looks": "See [https://bank.example](https://elsewhere.example) [x](https://bank.example@elsewhere.example)"
    " [y](https://b\u0430nk.example) [z](https://elsewhere.example/\u202egpj.exe) [](https://elsewhere.example)",
    "autolinks": '<javascript:alert(1)> <data:text/html,x> <JAVASCRIPT:alert(1)> <x@y.example"onclick=alert(1)>'
    ' <http://x.example/"><script>alert(1)</script> <http://x.example/?a=<b>> <a:b> <mailto:a@b?body=x>',
    "images": f"![pixel]({ELSEWHERE}/p.png) ![x](data:image/svg+xml;base64,PHN2Zy8+)"
    f' ![r]({ELSEWHERE}/"onerror=alert(1))',
    "images in links": f"[![a](javascript:alert(1))](javascript:alert(1)) [![b]({ELSEWHERE}/i.png)]({ELSEWHERE})"
    " ![![![c](data:x)](data:y)](data:z) ![<img src=x onerror=alert(1)>](https://x.example)",
    "links in links": "[a [b](https://x.example) c](https://y.example) [[[[a](b)](c)](d)](e) [a](<b)c>(d)",
    "data": "[a](data:text/html;charset=utf-8,%3Cscript%3Ealert(1)%3C/script%3E) [b](DATA:image/png;base64,iVBOR)"
    " ![c](data:text/html,<script>alert(1)</script>) <data:,x>",
}

MATH = {
    "math commands": "$$\\href{javascript:alert(1)}{x}$$ $\\unicode{<script>alert(1)</script>}$ \\(\\style{a}{b}\\)"
    " $\\class{answer}{x}$ $\\cssId{next}{x}$ $\\url{javascript:alert(1)}$ $\\html{<b>}$ $\\includegraphics{x}$",
    "math text": "$\\text{</mtext><script>alert(1)</script>}$ $\\text{<img src=x onerror=alert(1)>}$"
    " $<mi xlink:href=javascript:alert(1)>$ $\\mathrm{\"onclick=alert(1)}$ $\"><svg onload=alert(1)>$",
    "math breaks out": "$\\text{</math></span></div><style>}$ $$\\text{<!--}$$ $\\text{]]>}$ $\\text{</p></article>}$"
    " $\\textbf{</b></mtext><annotation-xml encoding=text/html>}$",
    "math defines": "$\\def\\a{\\a\\a}\\a$ $\\newcommand{\\b}{\\b\\b}\\b$ $\\let\\x\\y \\gdef\\a#1{#1#1}\\a{\\a{\\a{x}}}$"
    " $$\\def\\a{\\b\\b}\\def\\b{\\c\\c}\\def\\c{\\d\\d}\\def\\d{xxxxxxxx}\\a$$ \\(\\renewcommand{\\frac}{\\frac\\frac}\\frac12\\)",
    "math loops": "$\\loop\\iftrue\\repeat$ $\\input{/etc/passwd}$ $\\write18{ls}$ $\\catcode`\\$=13$ $\\csname x\\endcsname$",
    "math braces": "$$" + "{" * 60_000 + "}" * 4000 + "$$",
    "math braces short": "\n\n".join(f"$${opening * 990}$$" for opening in ("{", "^{", "_{")),
    "math chains": "\n\n".join(
        f"$${command * (1900 // len(command))} x$$"
        for command in ("\\sqrt", "\\hat", "\\bm", "\\left(", "\\frac1", "\\not", "\\overset a", "\\mathbb", "\\sqrt[")
    ),
    "math environments": "$$" + "\\begin{matrix}" * 140 + "$$ $$" + "\\begin{cases}" * 70 + "\\end{cases}" * 70 + "$$",
    "math cells": "$$\\begin{matrix}" + "&" * 1900 + "\\end{matrix}$$\n\n" * 30,
    "math primes": ("$x" + "'" * 1900 + "$ ") * 30,
    "math many": "$x^2$ " * 10_000,
    "math many wrong": "$\\frac{$ " * 7000,
    "math moves": "$\\hspace{-4000em}\\text{A is better}$ $\\kern-9999em x$ $\\hspace{9999em}x$ $\\raisebox{500em}{x}$"
    " $\\rule{900em}{900em}$ $\\mspace{-9999mu}x$ $\\llap{x}$ $\\smash{x}$ $\\Huge x$ $\\color{white}{hidden}$",
    "math glyphs": "$" + "\u0301\u20e3\u202e\u2066" * 400 + "x$ $\\text{\u202eabc\u2066}$ $\x00$ $\ud800$ $\u200b$",
    "math brackets": "\\[" * 5000 + "x" + "\\]" * 5000,
    "math lines": "$$\n" + "\\\\\n" * 190 + "$$\n\n" + "$$\n" * 501,
    "mathml": "<math><mtext><table><mglyph><style><math href=javascript:alert(1)>x</math></style></mglyph></table></mtext></math>",
    "mathml mutates": "<math><annotation-xml encoding='text/html'><img src=x onerror=alert(1)></annotation-xml></math>"
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)></style></mglyph></form>",
    "mathml acts": "<math><maction actiontype='statusline#http://x' xlink:href='javascript:alert(1)'>x</maction>"
    "<semantics><annotation-xml><svg onload=alert(1)></annotation-xml></semantics><mi style=color:red id=next>y</mi></math>",
    "mutation": "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'> <p><svg><title><style><!--</style>"
    "<img src=x onerror=alert(1)>--> <table><a><svg><desc><table><noembed></noembed><script>alert(1)</script>",
}  # fmt: skip

LETTERS = {
    "direction": "\u202e\u2066abc\u202edef \u200f\u061c" + "\u0301" * 60,
    "direction unclosed": "\u202e" * 200
    + "A is better\n\n"
    + "\u2067" * 200
    + "B\n\n- \u202bitem\n\n> \u202dquote\n\n`\u202ecode`",
    "direction in links": "[\u202egro.elpmaxe](https://elsewhere.example/\u202e) **\u2066bold\u202e** | \u202e |\n|\u202e|\n|-|\n|\u202ex|",
    "nothing to see": "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e" * 500 + "\u3164\uffa0\u2800" * 200,
    "combining": "Z" + "\u0300\u0301\u0302\u0303\u0336\u0489" * 3000 + " e\u0301" * 3000,
    "nul": "a\0b\0\0[x](java\0script:alert(1)) <scr\0ipt>alert(1)</scr\0ipt> `\0` $\0$",
    "surrogates": "a\ud800b \udfff \ud83d x [\ud800](https://x.example/\udc00) `\ud800` ```\ud800\n\ud800\n```",
    "controls": "".join(map(chr, range(1, 32)))
    + "".join(map(chr, range(127, 160)))
    + "\ufdd0\uffff\U0010ffff",
    "terminal": "\x1b[2J\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b]8;;https://elsewhere.example\x07x\x1b]8;;\x07 \x9b31m\b\b\b\r",
    "emoji": "👩\u200d👩\u200d👧\u200d👦" * 4000
    + "\U0001f1e6" * 4000
    + "🏴\U000e0067\U000e0062\U000e007f" * 500,
    "widths": "\u3000" * 3000 + "\ufdfa" * 3000 + "\u0bcc" * 2000 + "\u2028\u2029\u0085" * 500,
    "wide": "W" * 5000 + " | a | b |\n\n|" + "x|" * 200 + "\n|" + "-|" * 200 + "\n\n`" + "c" * 3000 + "`",
    "wide in lists": "- "
    + "x" * 4000
    + "\n  > "
    + "y" * 4000
    + "\n  > # "
    + "z" * 4000
    + "\n\n["
    + "l" * 4000
    + "](https://x.example)",
    "tall": "x\n\n" * 15_000,
    "lines": "x  \n" * 15_000,
    "tabs": "\t" * 30_000 + "x\n" + " \t" * 10_000,
    "carriage returns": "a\rb\r\nc\n\rd\x0be\x0cf\u2028g" * 1000,
}

NESTS = {
    "brackets": "[" * MEGABYTE,
    "quotes and lists": "> " * 20_000 + "- " * 20_000,
    "lists in lists": "".join("  " * depth + "- a\n" for depth in range(400)),
    "numbers in numbers": "".join("   " * depth + "1. a\n" for depth in range(200)),
    "quotes in quotes": "".join(">" * depth + " a\n" for depth in range(350)),
    "lists in quotes": "> - " * 4000 + "x\n" + "> 1. - " * 4000,
    "emphasis in emphasis": "*a **b " * 4000 + "c** d* " * 4000,
    "emphasis of all kinds": "*_~" * 9000 + "x" + "~_*" * 9000,
    "links in brackets": "[" * 5000 + "a" + "](https://x.example)" * 2500,
    "images in images": "![" * 5000 + "a" + "](https://x.example)" * 2500,
    "a wide table": "|".join("a" * 8000) + "\n" + "|".join("-" * 8000) + "\n" + "|".join("a" * 8000),
    "a long table": "|a|b|\n|-|-|\n" + "|x|y|\n" * 10_000,
    "many tables": "|a|\n|-|\n|x|\n\n" * 4000,
    "ragged table": "|a|b|c|\n|-|-|-|\n" + "".join("|x" * (row % 40) + "|\n" for row in range(2000)),
    "references": "".join(f"[{number}]: https://x.example/{number}\n" for number in range(2500)) + "[1] [2] " * 500,
    "references expand": f"[a]: https://x.example/{'x' * 20_000}\n\n" + "[a]" * 14_000,
    "titles expand": f"[a]: https://x.example '{'t' * 20_000}'\n\n" + "[a]" * 14_000,
    "references unfinished": "[" + "a" * 30_000 + "\n" + "[b]:\n" * 6000,
    "footnotes": "[^1]: note\n\n" + "x[^1] " * 5000 + "".join(f"\n[^{number}]: [^{number + 1}]" for number in range(3000)),
    "backticks": "".join("`" * length + "a" for length in range(350)),
    "fences": "".join("`" * length + "\n" for length in range(3, 350)),
    "headings": "# " * 9000 + "\n" + "# a\n" * 9000 + "a\n=\n" * 5000,
    "rules": "---\n***\n___\n" * 1000,
    "numbers": "999999999. a\n" * 3000 + "9999999999. b\n" + "-1. c\n0. d\n",
    "code without end": "```python\n" + "'\"(" * 20_000,
    "code that backtracks": "".join(
        f"```{name}\n" + "a" * 30 + "'" + "\\" * 1200 + "\n```\n" for name in ("js", "perl", "c++", "php", "rb", "yaml")
    ),
}  # fmt: skip

TEXTS = MARKUP | LINKS | MATH | LETTERS | NESTS

FRAGMENTS = [
    "[", "](", "![", "[a](", "[a](<b", "[[a](b)", "*", "*a ", "_a", "**a *a ", "`", "`a`` ", "<", "<a ",
    "> ", ">", "- ", "1. ", "- a\n  - b\n", "|", "|a|\n|-|\n", "$", "$a ", "$a$", "$a$\n\n", "$$a$$\n", "$\\",
    "\\(", "\\[", "\\[\n", "$$\n", "\\(a\\)", "```\n", "~", "~~a ", "&", "&a;", "\\", "[a]: b\n", "[a]:\n", "#",
    "# a\n", "\n", " ", "\t", "a", "a\n=\n", "<http://a", "<http://a>", "\x00", "\u202e", "é", "```python\n'\"",
    "```js\n{{", "```html\n<<", "<script>alert(1)</script>", "<svg onload=alert(1)>",
    "<style>*{display:none}</style>", "[x](javascript:alert(1))", "<img src=x onerror=alert(1)>",
    "[x](vbscript:x)", "![x](x\" onerror=\"alert(1))", "`<b onclick=x>`", "<!-- -->", "<![CDATA[",
    "&#106;avascript:", "<iframe src=x>",
]  # fmt: skip
STORMS = {
    f"storm of {fragment!r}": (fragment * (MEGABYTE // len(fragment) + 1))[:MEGABYTE]
    for fragment in FRAGMENTS
}

HOSTILE = TEXTS | STORMS
