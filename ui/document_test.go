package ui_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/recto-edge/recto/node/api"
	"github.com/recto-edge/recto/node/doc"
)

const (
	invoiceName = "apex-invoice-00789.pdf"
	receiptName = "deichmann-20220904.jpg"
)

// hover puts the pointer on the middle of an element.
func (b *tab) hover(selector string) {
	b.t.Helper()
	at := eval[[]float64](b, fmt.Sprintf(`(() => { const r = document.querySelector(%q).getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`, selector))
	b.do("hover "+selector, chromedp.MouseEvent("mouseMoved", at[0], at[1]))
}

func lit(selector string) string {
	return fmt.Sprintf(`document.querySelector(%q).classList.contains('lit')`, selector)
}

// inView says that an element lies inside the frame of the pages.
func inView(selector string) string {
	return fmt.Sprintf(`(() => { const f = document.querySelector('[data-sheets]').getBoundingClientRect(), r = document.querySelector(%q).getBoundingClientRect(); return r.top >= f.top && r.bottom <= f.bottom; })()`, selector)
}

func openDocument(t *testing.T, name string) (*site, *tab) {
	t.Helper()
	s := openSite(t, true)
	b := openTab(t, openBrowser(t), s)
	b.size(1440, 900)
	b.signIn()
	b.open("/documents/" + string(s.ids[name]))
	return s, b
}

func TestValueAndBoxLightEachOther(t *testing.T) {
	_, b := openDocument(t, invoiceName)
	b.hover(`#field-f1`)
	b.until("the box of the hovered value lights up", lit(`.box[data-field=f1]`))
	b.hover(`.box[data-field=f3]`)
	b.until("the value of the hovered box lights up", lit(`#field-f3`)+` && !`+lit(`#field-f1`))
	b.do("focus a value", chromedp.Focus(chromedp.CSS(`#field-f15`)))
	b.until("the box of the focused value lights up", lit(`.box[data-field=f15]`)+` && `+inView(`.box[data-field=f15]`))
	b.shot("lit-value")
	b.do("focus a box", chromedp.Focus(chromedp.CSS(`.box[data-field=f2]`)))
	b.until("the value of the focused box lights up", lit(`#field-f2`))

	// A cell of a table lies on the second page: the pages move there.
	if eval[bool](b, inView(`.box[data-field=f18r1c2]`)) {
		t.Error("the second page is in view from the start: this proves nothing")
	}
	b.do("focus a cell", chromedp.Focus(chromedp.CSS(`#field-f18r1c2`)))
	b.until("the page of the cell comes into view", lit(`.box[data-field=f18r1c2]`)+` && `+inView(`.box[data-field=f18r1c2]`))
	b.until("the page is named", `document.querySelector('[data-page-count]').textContent.includes('2 of 2') && document.querySelector('[data-thumb="2"]').hasAttribute('aria-current')`)
	b.shot("lit-cell")

	// The box really lies over its print: where the label says the page has it.
	got := eval[[]float64](b, `(() => { const i = document.querySelector('#page-1 img').getBoundingClientRect(), r = document.querySelector('.box[data-field=f0]').getBoundingClientRect(); return [(r.x - i.x) / i.width * 1191, (r.y - i.y) / i.height * 1684]; })()`)
	want := load(t, "invoice").Result.Fields[0].Box
	if dx, dy := got[0]-float64(want[0]), got[1]-float64(want[1]); dx < -6 || dx > 3 || dy < -6 || dy > 3 {
		t.Errorf("the box of the invoice number is at %v of the picture, want near %v", got, want)
	}
}

func TestZoomAndWords(t *testing.T) {
	_, b := openDocument(t, invoiceName)
	width := `document.querySelector('#page-1 img').getBoundingClientRect().width`
	fit := eval[float64](b, width)
	b.do("actual pixels", chromedp.Click(chromedp.CSS(`[data-zoom=full]`)))
	b.until("one pixel for one of the picture", width+` === 1191`)
	b.do("larger", chromedp.KeyEvent("+"))
	b.until("larger", width+` > 1300`)
	b.do("fit", chromedp.KeyEvent("0"))
	b.until("fit again", fmt.Sprintf(`Math.abs(%s - %v) < 2`, width, fit))
	b.do("whole page", chromedp.KeyEvent("2"))
	b.until("the whole page is in view", inView(`#page-1 img`))
	b.do("words", chromedp.KeyEvent("w"))
	b.until("all words are shown", fmt.Sprintf(`document.querySelectorAll('[data-words-of="1"] rect').length === %d`, len(load(t, "invoice").Pages[0].Words)))
	b.shot("words")
	b.do("words off", chromedp.Click(chromedp.CSS(`[data-words]`)))
	b.until("no words are shown", `getComputedStyle(document.querySelector('[data-words-of="1"]')).display === 'none'`)
	b.do("JSON", chromedp.Click(chromedp.CSS(`[data-json] summary`)))
	b.until("JSON is shown", `document.querySelector('[data-json] code').textContent.includes('"INV-2023-00789"')`)
}

func TestReadingIsLive(t *testing.T) {
	s, b := openDocument(t, "lieferschein.pdf")
	b.until("the feed is open", `!document.querySelector('[data-link]').hidden`)
	id := s.ids["lieferschein.pdf"]
	s.progress(id, "ocr", 1, 5)
	b.until("progress is shown", `document.querySelector('[data-progress-text]').textContent.includes('page 2 of 5') && document.querySelector('[data-progress-bar]').value === 20`)
	b.shot("progress")
	b.do("mark this page", chromedp.Evaluate[chromedp.Void](`void (window.same = true)`))
	res := load(t, "receipt").Result
	s.mu.Lock()
	s.pages[id], s.images[id] = load(t, "receipt").Pages, []string{"receipt-1.jpg"}
	s.mu.Unlock()
	s.move(id, doc.StateReview, &res)
	b.until("the answer appears by itself", `window.same && document.querySelectorAll('.field').length > 8 && document.querySelector('.doc-title .badge').dataset.state === 'review'`)
	b.until("the page appears by itself", `document.querySelector('.sheet img')?.complete && `+`document.querySelectorAll('.box').length > 6`)
	b.hover(`#field-f3`)
	b.until("what appeared lights up, too", lit(`.box[data-field=f3]`))
}

func TestPasswordAndReadAgain(t *testing.T) {
	s, b := openDocument(t, "contract-locked.pdf")
	b.do("unlock", chromedp.SendKeys(chromedp.CSS(`.inline-form input`), "hunter2\r"))
	b.until("in line again", `document.querySelector('.doc-title .badge')?.dataset.state === 'queued'`)
	b.open("/documents/" + string(s.ids[receiptName]))
	b.do("read again", chromedp.Click(chromedp.CSS(`.menu summary`)), chromedp.SetValue(chromedp.CSS(`.menu select`), "invoice"),
		chromedp.Click(chromedp.CSS(`.menu-body button`)))
	b.until("in line again", `document.querySelector('.doc-title .badge')?.dataset.state === 'queued'`)
	want := []api.RetryOptions{{Password: "hunter2", By: "user:anna"}, {Type: "invoice", By: "user:anna"}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.retries, want) {
		t.Errorf("asked to read again with %+v, want %+v", s.retries, want)
	}
}

func TestNextToCheckAndBack(t *testing.T) {
	_, b := openDocument(t, invoiceName)
	b.do("next", chromedp.KeyEvent("n"))
	b.until("the first doubtful value", `document.activeElement.id === 'field-f6'`)
	b.do("to its box", chromedp.KeyEvent("\r"))
	b.until("its box has the focus", `document.activeElement.matches('.box[data-field=f6]')`)
	b.do("and back", chromedp.KeyEvent("\r"))
	b.until("the value has the focus", `document.activeElement.id === 'field-f6'`)
	b.do("next", chromedp.KeyEvent("n"))
	b.until("the second doubtful value", `document.activeElement.id === 'field-f16'`)
	b.do("row down", chromedp.KeyEvent("j"))
	b.until("the value below", `document.activeElement.id === 'field-f17'`)
}
