package ui_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/recto-edge/recto/node/doc"
)

// looks are the sizes and schemes every page is looked at in.
var looks = []struct {
	width, height int64
	scheme        string
}{
	{1440, 900, "light"}, {1440, 900, "dark"}, {390, 844, "light"}, {390, 844, "dark"},
}

// Every page at every look: nothing sticks out sideways, nothing complains,
// nothing comes from elsewhere. RECTO_SCREENSHOTS keeps the pictures.
func TestPagesLook(t *testing.T) {
	browser := openBrowser(t)
	s := openSite(t, true)
	b := openTab(t, browser, s)
	b.look("login", "/login")
	b.signIn()
	b.look("overview", "/")
	b.look("documents", "/documents")
	b.look("documents-none", "/documents?q=nothingmatches")
	b.look("invoice", "/documents/"+string(s.ids["apex-invoice-00789.pdf"]))
	b.look("receipt", "/documents/"+string(s.ids["deichmann-20220904.jpg"]))
	b.look("locked", "/documents/"+string(s.ids["contract-locked.pdf"]))
	b.look("failed", "/documents/"+string(s.ids["broken-scan.pdf"]))
	b.look("reading", "/documents/"+string(s.ids["lieferschein.pdf"]))
	b.look("archive", "/documents/"+string(s.ids["mail-2026-11.zip"]))
	b.look("types", "/types")
	b.look("type", "/types/invoice")
	b.look("cluster-alone", "/cluster")
	b.look("cluster-add", "/cluster/add")
	s.change(func(v *doc.ClusterView) { *v = troubled(3) })
	b.look("cluster-troubled", "/cluster")
	b.look("cluster-remove", "/cluster/members/n2/remove")
	b.look("cluster-finalise", "/cluster/finalise")
	s.change(func(v *doc.ClusterView) { *v = troubled(5) })
	b.look("cluster-five", "/cluster")
	s.mu.Lock()
	s.missing = []string{"broker", "models"}
	s.mu.Unlock()
	b.look("status", "/status")
	b.look("overview-not-ready", "/")
	b.look("error", "/documents/0123456789abcdefghjkmnpqrs")
	b.expect("404")

	fresh := openSite(t, false)
	token, err := fresh.auth.Invite(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := openTab(t, browser, fresh)
	n.look("setup", "/setup?token="+token)
	n.open("/setup?token=" + token)
	n.do("make the admin", chromedp.SendKeys(chromedp.CSS(`[name=name]`), "anna"), chromedp.SendKeys(chromedp.CSS(`[name=password]`), password),
		chromedp.SendKeys(chromedp.CSS(`[name=again]`), password+"\r"), chromedp.WaitReady(chromedp.CSS(`body[data-events]`)))
	n.look("overview-empty", "/")
}

func (b *tab) look(name, path string) {
	b.t.Helper()
	for _, l := range looks {
		b.size(l.width, l.height)
		b.scheme(l.scheme)
		b.open(path)
		b.until("pictures of "+path, `[...document.images].filter(i => i.loading !== 'lazy').every(i => i.complete && i.naturalWidth > 0)`)
		if over := eval[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
			b.t.Errorf("%s at %d px is %d px too wide", path, l.width, over)
		}
		for _, cut := range eval[[]string](b, cutOff) {
			b.t.Errorf("%s at %d px cuts off %s", path, l.width, cut)
		}
		for _, dim := range eval[[]string](b, contrast) {
			b.t.Errorf("%s, %s: too little contrast: %s", path, l.scheme, dim)
		}
		b.shot(fmt.Sprintf("%s-%d-%s", name, l.width, l.scheme))
	}
}

// cutOff lists what sticks out of its card where nobody can scroll to it.
const cutOff = `[...document.querySelectorAll('.card :is(td, th, p, dd, h2, code, .chip, .badge), .fields-card .field *')].filter((e) => {
	const card = e.closest('.card, .fields-card');
	return e.checkVisibility() && !e.closest('.scroll-x, pre, .hidden, .menu') && e.getBoundingClientRect().right > card.getBoundingClientRect().right + 1;
}).map((e) => e.outerHTML.slice(0, 100))`

// contrast lists texts in view whose colour is too near their ground (WCAG AA).
const contrast = `(() => {
	const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
	const rgba = (colour) => {
		context.clearRect(0, 0, 1, 1);
		context.fillStyle = colour;
		context.fillRect(0, 0, 1, 1);
		const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
		return [r, g, b, a / 255];
	};
	const over = (top, ground) => [0, 1, 2].map((i) => top[i] * top[3] + ground[i] * (1 - top[3]));
	const ground = (element) => {
		const chain = [];
		for (let e = element; e; e = e.parentElement) chain.unshift(rgba(getComputedStyle(e).backgroundColor));
		return chain.reduce((below, top) => over(top, below), [255, 255, 255]);
	};
	const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, w, i) => {
		const v = c[i] / 255;
		return sum + w * (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
	}, 0);
	const out = [];
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walker.nextNode()) {
		const element = walker.currentNode.parentElement;
		const words = walker.currentNode.data.trim();
		if (!words || element.closest('.hidden, script, template, option, .tray, dialog, svg') || !element.checkVisibility()) continue;
		const style = getComputedStyle(element);
		const below = ground(element);
		const [a, b] = [light(over(rgba(style.color), below)), light(below)].sort((x, y) => y - x);
		const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.6 && style.fontWeight >= 700);
		const ratio = (a + 0.05) / (b + 0.05);
		if (ratio < (large ? 3 : 4.5)) out.push(words.slice(0, 40) + ' (' + ratio.toFixed(2) + ')');
	}
	return [...new Set(out)];
})()`
