package decode

import (
	"bytes"
	"io"
	"strings"
)

// sniff recognises a file by its first bytes.
func sniff(r io.ReaderAt, size int64) (Kind, error) {
	head := make([]byte, min(size, 4096))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return "", damaged(err)
	}
	kind := kindOf(head)
	if kind == "" {
		return "", unsupported(describe(head))
	}
	return kind, nil
}

// kindOf gives the kind of a file that starts with head, or "".
func kindOf(head []byte) Kind {
	starts := func(s string) bool { return bytes.HasPrefix(head, []byte(s)) }
	switch {
	case starts("\xff\xd8"):
		return KindJPEG
	case starts("\x89PNG\r\n\x1a\n"):
		return KindPNG
	case starts("II*\x00"), starts("MM\x00*"):
		return KindTIFF
	case starts("RIFF") && len(head) >= 12 && string(head[8:12]) == "WEBP":
		return KindWebP
	case starts("\x00\x00\x00\x0cjP  \r\n\x87\n"), starts("\xff\x4f\xff\x51"):
		return KindJP2
	case starts("PK\x03\x04"), starts("PK\x05\x06"):
		return KindArchive
	case bytes.Contains(head[:min(len(head), 1024)], []byte("%PDF-")):
		return KindPDF
	case isXML(head):
		return KindXML
	case isMail(head):
		return KindMail
	}
	return ""
}

// describe says what an unknown file seems to be.
func describe(head []byte) string {
	starts := func(s string) bool { return bytes.HasPrefix(head, []byte(s)) }
	switch {
	case starts("GIF8"):
		return "this is a GIF"
	case starts("BM"):
		return "this is a BMP"
	case starts("II+\x00"), starts("MM\x00+"):
		return "this is a BigTIFF"
	case starts("\x1f\x8b"):
		return "this is a gzip file"
	case starts("\xd0\xcf\x11\xe0"):
		return "this is an old Office file"
	case bytes.Contains(bytes.ToLower(head[:min(len(head), 512)]), []byte("<html")):
		return "this is a web page"
	}
	return "the file has no format that is known here"
}

// isXML accepts UTF-8 and UTF-16 with a mark, but not web pages.
func isXML(head []byte) bool {
	s := string(head)
	if strings.HasPrefix(s, "\xff\xfe<\x00") || strings.HasPrefix(s, "\xfe\xff\x00<") {
		return true
	}
	s = strings.ToLower(strings.TrimLeft(strings.TrimPrefix(s, "\xef\xbb\xbf"), " \t\r\n"))
	if strings.Contains(s[:min(len(s), 512)], "<html") || strings.HasPrefix(s, "<!doctype html") {
		return false
	}
	return strings.HasPrefix(s, "<?xml") || len(s) > 2 && s[0] == '<' && (s[1] >= 'a' && s[1] <= 'z' || s[1] == '!')
}

// isMail asks for two header lines that every message has.
func isMail(head []byte) bool {
	known := 0
	for i, line := range strings.Split(string(head), "\n") {
		line = strings.TrimRight(line, "\r")
		if line == "" {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			continue
		}
		name, _, ok := strings.Cut(line, ":")
		if !ok || strings.ContainsAny(name, " \t") {
			if i == 0 && strings.HasPrefix(line, "From ") { // as a mailbox begins
				continue
			}
			return known >= 2 && i == strings.Count(string(head), "\n") // the last line may be cut
		}
		switch strings.ToLower(name) {
		case "from", "to", "subject", "date", "message-id", "received", "mime-version", "return-path", "content-type", "delivered-to":
			known++
		}
	}
	return known >= 2
}
