package ui_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
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
		b.shot(fmt.Sprintf("%s-%d-%s", name, l.width, l.scheme))
	}
}
