package ui_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/recto-edge/recto/node/doc"
)

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func signedIn(t *testing.T) (*site, *tab) {
	t.Helper()
	s := openSite(t, true)
	b := openTab(t, openBrowser(t), s)
	b.size(1440, 900)
	b.signIn()
	return s, b
}

// arrival waits for the next new document.
func (s *site) arrival(b *tab) doc.ID {
	s.t.Helper()
	select {
	case id := <-s.arrived:
		return id
	case <-time.After(patience / 2):
		b.shot("failed")
		s.t.Fatal("no document arrived")
		return ""
	}
}

func TestUploadShowsProgressAndAnswer(t *testing.T) {
	s, b := signedIn(t)
	b.until("the feed is open", `!document.querySelector('[data-link]').hidden`)
	b.do("choose files", chromedp.SetUploadFiles(chromedp.CSS(`[data-drop-files]`), []string{write(t, "quittung märz.pdf", "%PDF-1.7 one"), write(t, "empty.pdf", "")}))
	id := s.arrival(b)
	item := `[...document.querySelectorAll('.tray-item')].find(i => i.querySelector('.tray-name').textContent === 'quittung märz.pdf')`
	b.until("the file is in line", item+`?.dataset.state === 'queued'`)
	b.until("the refused file says why", `[...document.querySelectorAll('.tray-item')].find(i => i.textContent.includes('empty.pdf')).querySelector('.tray-note').textContent.includes('empty')`)
	b.expect("400")
	s.move(id, doc.StateReading, nil)
	b.until("it is being read", item+`.dataset.state === 'reading'`)
	s.progress(id, "ocr", 2, 4)
	b.until("progress is shown", item+`.querySelector('.tray-note').textContent.includes('page 3 of 4') && `+item+`.querySelector('progress').value === 50`)
	b.shot("upload-progress")
	res := load(t, "receipt").Result
	s.move(id, doc.StateDone, &res)
	b.until("it is done", item+`.dataset.state === 'done'`)
	b.until("the list shows it", fmt.Sprintf(`document.querySelector('[data-key=%q] .badge')?.dataset.state === 'done'`, id))
	b.until("the link leads to it", fmt.Sprintf(`%s.querySelector('a').getAttribute('href') === '/documents/%s'`, item, id))

	b.open("/documents")
	b.until("the tray is there on the next page", item+`?.dataset.state === 'done'`)
	b.do("close the tray", chromedp.Click(chromedp.CSS(`[data-tray-close]`)))

	// The same bytes dropped on another page: known already.
	b.do("drop", chromedp.Evaluate[chromedp.Void](`void (() => {
		const dataTransfer = new DataTransfer();
		dataTransfer.items.add(new File(['%PDF-1.7 one'], 'again.pdf'));
		for (const type of ['dragenter', 'dragover']) document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer }));
		window.veiled = document.querySelector('[data-veil]').checkVisibility();
		document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer }));
	})()`))
	s.arrival(b)
	b.until("the veil came and went", `window.veiled && !document.querySelector('[data-veil]').checkVisibility()`)
	b.until("a known file says so", `document.querySelector('.tray-note').textContent.includes('before')`)
}

func TestSearchFilterAndPaging(t *testing.T) {
	s, b := signedIn(t)
	b.open("/documents")
	rows := `document.querySelectorAll('.rows tbody tr').length`
	b.until("a full page", rows+` === 50`)
	b.do("go to the search", chromedp.KeyEvent("/"))
	b.until("the search has the focus", `document.activeElement.name === 'q'`)
	// The protocol sends the character apart from its key, so that it arrives here.
	b.do("search", chromedp.Evaluate[chromedp.Void](`void (document.activeElement.value = '')`), chromedp.KeyEvent("deichmann"))
	b.until("one row is left", rows+` === 1 && document.querySelector('.rows tbody').textContent.includes('Deichmann SE')`)
	b.until("the address says what is shown", `location.search === '?q=deichmann' && document.activeElement.name === 'q'`)
	b.do("clear", chromedp.Click(chromedp.CSS(`[data-live=clear] a`)))
	b.until("all again", rows+` === 50`)
	b.do("filter by state", chromedp.SetValue(chromedp.CSS(`[name=state]`), "failed"), chromedp.Evaluate[chromedp.Void](`void document.querySelector('[name=state]').dispatchEvent(new Event('input', {bubbles: true}))`))
	b.until("the failed one", rows+` === 1 && document.querySelector('.rows tbody').textContent.includes('broken-scan.pdf')`)
	b.open("/documents?channel=folder")
	b.until("those of a folder", `document.querySelector('[data-live=matched]').textContent === '70 documents'`)
	b.do("older", chromedp.Click(chromedp.CSS(`[rel=next]`)))
	b.until("the rest", rows+` === 20 && location.search.includes('channel=folder')`)

	b.open("/documents")
	b.until("the feed is open", `!document.querySelector('[data-link]').hidden`)
	b.do("mark this page", chromedp.Evaluate[chromedp.Void](`void (window.same = true)`))
	res := load(t, "receipt").Result
	s.move(s.ids["lieferschein.pdf"], doc.StateDone, &res)
	b.until("the row changes by itself", fmt.Sprintf(`window.same && document.querySelector('[data-key=%q] .badge').dataset.state === 'done'`, s.ids["lieferschein.pdf"]))
	b.do("row by row", chromedp.KeyEvent("j"), chromedp.KeyEvent("j"), chromedp.KeyEvent("k"), chromedp.KeyEvent("\r"))
	b.until("Enter opens the row", fmt.Sprintf(`location.pathname === '/documents/%s'`, s.ids["lieferschein.pdf"]))
}

func TestThemeIsKept(t *testing.T) {
	_, b := signedIn(t)
	b.scheme("light")
	ground := `getComputedStyle(document.documentElement).backgroundColor`
	light := eval[string](b, ground)
	b.do("switch", chromedp.Click(chromedp.CSS(`[data-theme-toggle]`)))
	dark := eval[string](b, ground)
	if dark == light {
		t.Errorf("the ground stays %s", light)
	}
	b.open("/types")
	if got := eval[string](b, ground); got != dark {
		t.Errorf("the ground of the next page is %s, want %s", got, dark)
	}
	b.do("switch back", chromedp.Click(chromedp.CSS(`[data-theme-toggle]`)))
	if got := eval[string](b, ground); got != light {
		t.Errorf("the ground is %s again, want %s", got, light)
	}
}

// Signing out ends it; who is not signed in is asked to, and goes on where they
// wanted to go.
func TestSignOutAndIn(t *testing.T) {
	s, b := signedIn(t)
	b.do("sign out", chromedp.Click(chromedp.CSS(`form[action="/logout"] button`)))
	b.until("the sign-in page", `location.pathname === '/login'`)
	b.open("/documents/" + string(s.ids[receiptName]))
	b.until("asked to sign in", `location.pathname === '/login'`)
	b.do("wrong password", chromedp.SendKeys(chromedp.CSS(`[name=name]`), "anna"), chromedp.SendKeys(chromedp.CSS(`[name=password]`), "not this one at all\r"))
	b.until("refused", `document.querySelector('[role=alert]')?.textContent.length > 5 && document.querySelector('[name=name]').value === 'anna'`)
	b.expect("401")
	b.do("right password", chromedp.SendKeys(chromedp.CSS(`[name=password]`), password+"\r"))
	b.until("where they wanted to go", fmt.Sprintf(`location.pathname === '/documents/%s'`, s.ids[receiptName]))
}

// Everything that can be used can be reached with Tab alone, and shows that it
// has the focus.
func TestKeyboardReachesEverything(t *testing.T) {
	s, b := signedIn(t)
	s.change(func(v *doc.ClusterView) { *v = troubled(3) })
	for _, path := range []string{"/", "/documents?q=deichmann", "/documents/" + string(s.ids[invoiceName]), "/documents/" + string(s.ids["contract-locked.pdf"]), "/types", "/cluster", "/cluster/members/n2/remove", "/status"} {
		b.open(path)
		total := eval[int](b, `(() => {
			window.wanted = new Set([...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')].filter(e => e.checkVisibility() && !e.matches('[type=hidden], [tabindex="-1"]')));
			window.invisible = [];
			document.addEventListener('focusin', (e) => {
				window.wanted.delete(e.target);
				const style = getComputedStyle(e.target), after = getComputedStyle(e.target, '::after'), parent = getComputedStyle(e.target.parentElement);
				const shown = style.outlineStyle !== 'none' || after.outlineStyle !== 'none' || parent.outlineStyle !== 'none' || parseFloat(style.strokeWidth) >= 3;
				if (!shown) window.invisible.push(e.target.outerHTML.slice(0, 120));
			});
			return window.wanted.size;
		})()`)
		for range total + 8 {
			b.do("tab", chromedp.KeyEvent("\t"))
		}
		if left := eval[[]string](b, `[...window.wanted].map(e => e.outerHTML.slice(0, 120))`); len(left) > 0 {
			t.Errorf("%s: %d of %d cannot be reached with the keyboard: %q", path, len(left), total, left)
		}
		if hidden := eval[[]string](b, `window.invisible`); len(hidden) > 0 {
			t.Errorf("%s: focus does not show on %q", path, hidden)
		}
	}
	b.open("/")
	b.do("help", chromedp.KeyEvent("?"))
	b.until("the list of keys is open", `document.querySelector('dialog').open`)
	b.shot("shortcuts")
}
