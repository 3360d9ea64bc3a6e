package blob

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// An answer that is no error of a member's blobs is told by its status, not by an empty text.
func TestRefusal(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"members only", `{"code":"removed","text":"b1 was removed"}`, ""} {
		p := &peer{name: "attic"}
		err := p.refusal(&http.Response{StatusCode: http.StatusForbidden, Body: io.NopCloser(strings.NewReader(body))})
		if err == nil || !strings.Contains(err.Error(), "attic") || !strings.Contains(err.Error(), "403") {
			t.Errorf("%q: got %v", body, err)
		}
	}
}
