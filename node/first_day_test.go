package node_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestFirstDay does what a new user does, with the built binary and a real
// browser: follow the link the console shows, make an account, add a file, look
// at its fields on the page. RECTO_SCREENSHOTS keeps a picture.
func TestFirstDay(t *testing.T) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no Chromium: make test-deps")
		}
		t.Skip("no Chromium in PATH")
	}
	sample, err := filepath.Abs("../packaging/samples/e-invoice.pdf")
	if err != nil {
		t.Fatal(err)
	}
	p := newProcess(t)
	p.start()
	p.ready()
	link := regexp.MustCompile(`http\S+/setup\?token=\S+`).FindString(p.log.String())
	if link == "" {
		t.Fatalf("the console shows no link: %s", p.log)
	}

	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("headless", "new"))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	defer stop()
	tab, closeTab := chromedp.NewContext(alloc)
	defer closeTab()
	ctx, cancel := context.WithTimeout(tab, 3*patience)
	defer cancel()
	do := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	do("make an account", chromedp.EmulateViewport(1440, 900), chromedp.Navigate(link),
		chromedp.SendKeys(chromedp.CSS(`[name=name]`), "anna"), chromedp.SendKeys(chromedp.CSS(`[name=password]`), "correct horse battery"),
		chromedp.SendKeys(chromedp.CSS(`[name=again]`), "correct horse battery\r"), chromedp.WaitReady(chromedp.CSS(`body[data-events]`)))
	do("add a file", chromedp.SetUploadFiles(chromedp.CSS(`input[type=file]`), []string{sample}))
	p.settled(1)
	doc := p.all()[0]
	do("open the document", chromedp.Navigate("http://"+p.addr+"/documents/"+string(doc.ID)), chromedp.WaitReady(chromedp.CSS(`html[data-started]`)))
	for _, want := range []string{
		`document.body.innerText.includes("RE-20171118/506")`, // a value of the e-invoice
		`document.querySelectorAll("svg [data-box], svg rect").length > 5`,
		`[...document.images].some(i => i.naturalWidth > 500)`, // the page itself
	} {
		if _, err := chromedp.Run(ctx, chromedp.Poll[chromedp.Void](want, chromedp.WithPollingTimeout(patience))); err != nil {
			t.Errorf("%s: %v", want, err)
		}
	}
	if dir := os.Getenv("RECTO_SCREENSHOTS"); dir != "" {
		png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "first-day.png"), png, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
