package report

import (
	"bytes"
	"context"
	"image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/domsnapshot"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// TestBrowser opens the report in a real browser: it asks nobody for anything, reports no error, needs no script and no
// style sheet to be read, follows the colour scheme and fits a telephone.
func TestBrowser(t *testing.T) {
	var b bytes.Buffer
	if err := HTML(&b, violation(3000)); err != nil {
		t.Fatal(err)
	}
	whole := b.String()
	bare := regexp.MustCompile(`(?s)<style>.*?</style>`).ReplaceAllString(whole, "")
	if bare == whole {
		t.Fatal("the page has no style sheet to take away")
	}
	browser := startBrowser(t)
	cases := []struct {
		name, html, scheme string
		scripts            bool
		width              int64
	}{
		{"light", whole, "light", true, 1200},
		{"dark", whole, "dark", true, 1200},
		{"telephone", whole, "light", true, 400},
		{"without scripts", whole, "dark", false, 1200},
		{"without styles and scripts", bare, "light", false, 1200},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := visit(t, browser, c.html, c.scheme, c.scripts, c.width)
			if v.asked == 0 || len(v.requests) != 0 {
				t.Errorf("%d requests were seen; beyond the page itself: %v", v.asked, v.requests)
			}
			if len(v.errors) != 0 {
				t.Errorf("the browser complains: %v", v.errors)
			}
			for _, text := range []string{"VIOLATION", "← impossible", "No order of these 3 operations explains it",
				"write 12", "partition:leader", "capsize run raft"} {
				if !strings.Contains(v.text, text) {
					t.Errorf("%q is not on the page", text)
				}
			}
			if got := strings.Contains(v.text, "◐ theme"); got != c.scripts {
				t.Errorf("the button for the theme is there: %v", got)
			}
			if bright := brightness(v.shot); (bright < 80) != (c.scheme == "dark" && c.html == whole) {
				t.Errorf("the paper has brightness %d in the %s scheme", bright, c.scheme)
			}
			if c.html == whole && v.contentWidth > c.width {
				t.Errorf("the page is %d pixels wide in a window of %d", v.contentWidth, c.width)
			}
		})
	}
}

// startBrowser finds a browser or skips with what to do.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "headless-shell"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		const why = "no chromium, chromium-browser or google-chrome in PATH; install one: apt-get install -y chromium"
		if os.Getenv("CAPSIZE_TEST_BROWSER") == "required" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path),
		chromedp.NoSandbox)
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	browser, cancelBrowser := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(browser); err != nil { // waits until the browser is gone, and its folder with it
			t.Logf("end the browser: %v", err)
		}
		cancelBrowser()
		cancelAllocator()
	})
	if err := chromedp.Do(browser, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return browser
}

// seen is what a browser made of a page.
type seen struct {
	asked        int      // requests, the page itself included
	requests     []string // beyond the page itself
	errors       []string
	text         string // that was laid out
	shot         []byte
	contentWidth int64
}

func visit(t *testing.T, browser context.Context, html, scheme string, scripts bool, width int64) seen {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(html), 0o644); err != nil {
		t.Fatal(err)
	}
	address := (&url.URL{Scheme: "file", Path: filepath.ToSlash(file)}).String()
	tab, cancelTab := chromedp.NewContext(browser)
	defer cancelTab()
	var v seen
	var lock sync.Mutex
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(nil, chromedp.Listen(tab, func(event any) {
		lock.Lock()
		defer lock.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			v.asked++
			if e.Request.URL != address && !strings.HasPrefix(e.Request.URL, "data:") {
				v.requests = append(v.requests, e.Request.URL)
			}
		case *cdpruntime.EventExceptionThrown:
			v.errors = append(v.errors, e.ExceptionDetails.Text)
		case *cdplog.EventEntryAdded:
			v.errors = append(v.errors, e.Entry.Text)
		}
	}))
	ctx, cancel := context.WithTimeout(tab, time.Minute)
	defer cancel()
	must(chromedp.Call(ctx, network.Enable, network.EnableParams{}))
	must(chromedp.Call(ctx, cdplog.Enable, cdp.Empty{}))
	must(chromedp.Call(ctx, emulation.SetScriptExecutionDisabled,
		emulation.SetScriptExecutionDisabledParams{Value: !scripts}))
	must(chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 600}))
	must(chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}))
	must(nil, chromedp.Do(ctx, chromedp.Navigate(address)))
	snapshot, err := chromedp.Call(ctx, domsnapshot.CaptureSnapshot,
		domsnapshot.CaptureSnapshotParams{ComputedStyles: []string{}})
	must(nil, err)
	for _, at := range snapshot.Documents[0].Layout.Text {
		if at >= 0 {
			v.text += snapshot.Strings[at] + "\n"
		}
	}
	metrics, err := chromedp.Call(ctx, cdppage.GetLayoutMetrics, cdp.Empty{})
	must(nil, err)
	v.contentWidth = int64(metrics.CSSContentSize.Width)
	v.shot, err = chromedp.Run(ctx, chromedp.CaptureScreenshot())
	must(nil, err)
	lock.Lock()
	defer lock.Unlock()
	return v
}

// brightness is that of the paper, at a corner of the page.
func brightness(shot []byte) uint32 {
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return 0
	}
	red, green, blue, _ := picture.At(2, 2).RGBA()
	return (red + green + blue) / 3 >> 8
}
