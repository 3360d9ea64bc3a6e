package ui_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take for anything; the machine may be busy.
const patience = 60 * time.Second

// openBrowser starts one Chromium; tests open tabs of their own in it.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("no Chromium in PATH: make test-deps")
		}
		t.Skip("no Chromium in PATH: the pages are not tested")
	}
	// Without a locale, Chromium finds no file whose name has an umlaut.
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("headless", "new"), chromedp.Env("LC_ALL=C.UTF-8"))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, closeBrowser := chromedp.NewContext(alloc)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	t.Cleanup(func() { closeBrowser(); stop() })
	return ctx
}

// tab is one isolated tab: cookies of its own, and every complaint it makes.
type tab struct {
	t    *testing.T
	ctx  context.Context
	site *site

	mu      sync.Mutex
	wrong   []string // errors of scripts and of the console
	outside []string // requests to anybody but the site
}

func openTab(t *testing.T, browser context.Context, s *site) *tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	b := &tab{t: t, ctx: ctx, site: s}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatalf("watch the requests of a tab: %v", err)
	}
	t.Cleanup(func() {
		b.mu.Lock()
		for _, w := range b.wrong {
			t.Errorf("the page complains: %s", w)
		}
		for _, o := range b.outside {
			t.Errorf("the page asks somebody else: %s", o)
		}
		b.mu.Unlock()
		closeTab()
	})
	return b
}

func (b *tab) hear(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		b.wrong = append(b.wrong, text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			b.wrong = append(b.wrong, fmt.Sprint("console: ", e.Type))
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError || e.Entry.Level == cdplog.EntryLevelWarning {
			b.wrong = append(b.wrong, e.Entry.Text+" "+e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		u := e.Request.URL
		if !strings.HasPrefix(u, b.site.url) && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "blob:") && !strings.HasPrefix(u, "about:") {
			b.outside = append(b.outside, u)
		}
	}
}

// expect forgets complaints that hold one of the texts: a test provoked them.
func (b *tab) expect(texts ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.wrong[:0]
	for _, w := range b.wrong {
		provoked := false
		for _, s := range texts {
			provoked = provoked || strings.Contains(w, s)
		}
		if !provoked {
			kept = append(kept, w)
		}
	}
	b.wrong = kept
}

// step is something done to a page.
type step = chromedp.Action[chromedp.Void]

func (b *tab) do(what string, steps ...step) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.shot("failed")
		b.t.Fatalf("%s: %v", what, err)
	}
}

// open goes to a path and waits until the page's scripts have started.
func (b *tab) open(path string) {
	b.t.Helper()
	b.do("open "+path, chromedp.Navigate(b.site.url+path), chromedp.WaitReady(chromedp.CSS(`html[data-started]`)))
}

// signIn makes the tab anna's.
func (b *tab) signIn() {
	b.t.Helper()
	b.open("/login")
	b.do("sign in", chromedp.SendKeys(chromedp.CSS(`[name=name]`), "anna"), chromedp.SendKeys(chromedp.CSS(`[name=password]`), password+"\r"),
		chromedp.WaitReady(chromedp.CSS(`body[data-events]`)))
}

// eval gives the value of an expression.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return v
}

// until waits for an expression to become true.
func (b *tab) until(what, expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience/2)
	defer cancel()
	for {
		_, err := chromedp.Run(ctx, chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(30*time.Millisecond), chromedp.WithPollingTimeout(patience/2)))
		if err != nil && gone(err) && ctx.Err() == nil { // to the page we wait for, perhaps
			err = chromedp.Do(ctx, chromedp.WaitReady(chromedp.CSS(`html[data-started]`)))
			if err == nil {
				continue
			}
		}
		if err != nil {
			b.shot("failed")
			b.t.Fatalf("%s: %v", what, err)
		}
		return
	}
}

// gone says that the page something was asked of is not there any more.
func gone(err error) bool {
	return strings.Contains(err.Error(), "navigated") || strings.Contains(err.Error(), "Cannot find context")
}

func (b *tab) size(width, height int64) {
	b.t.Helper()
	b.do("resize", chromedp.EmulateViewport(width, height))
}

// scheme has the system ask for light or dark.
func (b *tab) scheme(name string) {
	b.t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, media); err != nil {
		b.t.Fatalf("ask for %s: %v", name, err)
	}
}

// shot keeps a picture of what is in view, if somebody wants to look at it.
func (b *tab) shot(name string) {
	b.t.Helper()
	dir := os.Getenv("RECTO_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Logf("screenshot %s: %v", name, err)
		return
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
