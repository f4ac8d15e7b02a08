/** The report's own style. Colours as in the tuning page; no style attribute anywhere, since the policy refuses them. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--paper:#f7f5f1;--card:#fff;--ink:#1f2533;--quiet:#5c6373;--line:#dcd8cf;--deep:#1f2a44;--up:#13734b;--down:#a3333d;--new:#5a41a8;--amber:#8a5a00;--focus:#2563eb;--shade-0:#eceae5;--shade-1:#d5e6f3;--shade-2:#a9cde8;--shade-3:#5f9fcf;--shade-4:#1d5f96}
@media (prefers-color-scheme:dark){:root{--paper:#14171f;--card:#1d2230;--ink:#e9ebf2;--quiet:#a7afc0;--line:#333a4b;--deep:#0d1018;--up:#68d3a2;--down:#ff9a9f;--new:#bfaeff;--amber:#f2b84b;--focus:#8ab4ff;--shade-0:#2a3040;--shade-1:#24405a;--shade-2:#2b5a82;--shade-3:#4b8fc4;--shade-4:#9ccdf2}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.45 system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;font-variant-numeric:tabular-nums}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
.skip{position:absolute;left:-999rem}
.skip:focus{left:1rem;top:1rem;padding:.5rem 1rem;background:var(--card);color:var(--ink)}
header{padding:1.1rem max(clamp(1rem,3vw,2rem),calc((100vw - 1320px)/2 + 2rem));background:var(--deep);color:#fff}
header h1{margin:.3rem 0;font-size:1.5rem;letter-spacing:-.02em;overflow-wrap:anywhere}
header p{margin:0}
.gate{display:inline-block;padding:.1rem .7rem;border-radius:1rem;font-weight:600;color:#fff}
.gate.passed{background:#13734b}
.gate.failed{background:#a3333d}
main,footer{max-width:1320px;margin:0 auto;padding:0 clamp(1rem,3vw,2rem)}
section{margin:1.4rem 0}
section section{margin:0}
h2{margin:0 0 .5rem;font-size:1.15rem}
h3{margin:.6rem 0 .3rem;font-size:1rem}
h4{margin:0 0 .3rem}
.lead{display:flex;gap:1.2rem;align-items:center;padding:1rem 1.2rem;border:1px solid var(--line);border-radius:.6rem;background:var(--card)}
.lead p{margin:0}
.figure{font-size:2rem;font-weight:700;white-space:nowrap}
.quiet{color:var(--quiet);font-weight:400}
.up{color:var(--up)}
.down{color:var(--down)}
.new{color:var(--new)}
.notice{margin:.6rem 0;padding:.5rem .9rem;border-left:4px solid var(--amber);background:var(--card)}
.notice.red{border-color:var(--down)}
.notice.red strong{color:var(--down)}
.notice.warning strong{color:var(--amber)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;background:var(--card);border:1px solid var(--line)}
th,td{padding:.32rem .5rem;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
thead th{color:var(--quiet);font-weight:600;text-align:right}
tr>:first-child,tbody th,.text,thead .text,.runs thead th{text-align:left}
.runs th:first-child{width:9rem}
.runs thead th,.runs .text{white-space:normal;overflow-wrap:anywhere}
.other{font-weight:600}
tbody th{font-weight:600}
details{margin:.4rem 0}
summary{cursor:pointer;padding:.35rem .2rem}
code{font:.92em ui-monospace,Consolas,'DejaVu Sans Mono',monospace}
.plots{display:grid;grid-template-columns:minmax(0,438fr) minmax(0,690fr);gap:1rem;align-items:start}
figure{margin:0;padding:.8rem;background:var(--card);border:1px solid var(--line);border-radius:.6rem;max-width:100%}
figure svg{max-width:100%;height:auto;display:block}
figcaption{color:var(--quiet);font-size:.88rem;max-width:46ch}
svg text{fill:var(--quiet);font-size:12px}
svg .grid{stroke:var(--line);fill:none}
svg .axis{stroke:var(--quiet);fill:none}
svg circle{fill-opacity:.65}
svg .up{fill:var(--up)}
svg .down{fill:var(--down)}
svg .same{fill:var(--quiet)}
svg .bar{stroke-width:3;fill:none}
svg .bar.up{stroke:var(--up)}
svg .bar.down{stroke:var(--down)}
svg .bar.same{stroke:var(--quiet)}
.interval{display:block}
.interval circle{fill-opacity:1}
.change{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:0 .9rem;scroll-margin-top:1rem}
.change[open]{padding-bottom:.9rem}
.change:target{border-color:var(--focus)}
.change summary{display:flex;gap:.9rem;align-items:center;padding:.55rem 0}
.change summary::before{content:'▸';color:var(--quiet)}
.change[open] summary::before{content:'▾'}
.change p{margin:.2rem 0 .7rem}
.query{flex:1;overflow-wrap:anywhere}
.delta{min-width:4.5rem;font-weight:700;text-align:right}
.values{color:var(--quiet);white-space:nowrap}
.lists{display:grid;grid-template-columns:1fr 1fr;gap:1.2rem}
.lists ol{margin:0;padding:0;list-style:none}
.lists li{display:flex;gap:.7rem;align-items:center;padding:.3rem 0;border-top:1px solid var(--line);min-height:2.6rem}
.rank{min-width:1.6rem;text-align:right;color:var(--quiet)}
.picture{flex:none;display:flex;align-items:center;justify-content:center;width:52px;height:52px;border-radius:.3rem;overflow:hidden;background:var(--shade-0)}
.picture img{max-width:100%;max-height:100%}
.title{flex:1;min-width:0;overflow-wrap:anywhere}
.title .quiet{display:block;font-size:.85rem}
.move{min-width:4.6rem;white-space:nowrap;font-size:.9rem;text-align:right}
.grade{min-width:2.2rem;padding:.1rem .4rem;border-radius:.3rem;text-align:center;font-weight:600;color:#10202e;border:1px solid transparent}
.shade-0{background:var(--shade-0);color:var(--ink)}
.shade-1{background:var(--shade-1)}
.shade-2{background:var(--shade-2)}
.shade-3{background:var(--shade-3)}
.shade-4{background:var(--shade-4);color:#fff}
.unjudged{border-color:var(--quiet);border-style:dashed;color:var(--quiet)}
footer{padding-bottom:2rem;color:var(--quiet);font-size:.9rem}
@media (prefers-color-scheme:dark){.shade-1,.shade-2{color:#fff}.shade-4{color:#10202e}}
@media (max-width:760px){.lists,.plots{grid-template-columns:1fr}.lead{flex-direction:column;align-items:flex-start}}
`;
