package ui

import (
	"fmt"
	"html/template"
)

// icons are drawn on a grid of 24 with strokes of the text's colour.
var icons = map[string]string{
	"home":     `<path d="M4 11.5 12 5l8 6.5"/><path d="M6 10v9h12v-9"/>`,
	"docs":     `<path d="M8 3.5h7l4 4V17H8z"/><path d="M15 3.5V8h4"/><path d="M8 7H5v13.5h10V17"/>`,
	"types":    `<rect x="4" y="4" width="16" height="16" rx="2"/><path d="M8 9h8M8 13h8M8 17h4"/>`,
	"cluster":  `<rect x="9" y="3.5" width="6" height="5" rx="1"/><rect x="3" y="15.5" width="6" height="5" rx="1"/><rect x="15" y="15.5" width="6" height="5" rx="1"/><path d="M12 8.5v3.5M6 15.5V12h12v3.5"/>`,
	"status":   `<path d="M3 12h4l3-7 4 14 3-7h4"/>`,
	"add":      `<path d="M12 16V4M7 9l5-5 5 5"/><path d="M4 16v4h16v-4"/>`,
	"theme":    `<circle cx="12" cy="12" r="8.5"/><path d="M12 3.5v17a8.5 8.5 0 0 0 0-17z" fill="currentColor"/>`,
	"out":      `<path d="M10 4H5v16h5"/><path d="M14 8l4 4-4 4M18 12H9"/>`,
	"search":   `<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>`,
	"keyboard": `<rect x="2.5" y="6" width="19" height="12" rx="2"/><path d="M6 10h.01M9.5 10h.01M13 10h.01M16.5 10h.01M8 14h8"/>`,
	"close":    `<path d="m6 6 12 12M18 6 6 18"/>`,
	"check":    `<path d="m5 12.5 4.5 4.5L19 7.5"/>`,
	"cross":    `<path d="m7 7 10 10M17 7 7 17"/>`,
	"warn":     `<path d="M12 4 2.8 19.5h18.4z"/><path d="M12 10v4.5M12 17.2v.1"/>`,
	"info":     `<circle cx="12" cy="12" r="8.5"/><path d="M12 11v5M12 8v.1"/>`,
	"lock":     `<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>`,
	"retry":    `<path d="M19 12a7 7 0 1 1-2.2-5.1"/><path d="M19.5 3.5v4.2h-4.2"/>`,
	"download": `<path d="M12 4v11M7 10.5l5 5 5-5"/><path d="M4 20h16"/>`,
	"code":     `<path d="m8 7-5 5 5 5M16 7l5 5-5 5"/>`,
	"copy":     `<rect x="8.5" y="8.5" width="11" height="11" rx="2"/><path d="M15.5 8.5V5h-11v11h4"/>`,
	"plus":     `<path d="M12 5v14M5 12h14"/>`,
	"minus":    `<path d="M5 12h14"/>`,
	"width":    `<path d="M3 5v14M21 5v14M7 12h10M9.5 9 7 12l2.5 3M14.5 9l2.5 3-2.5 3"/>`,
	"page":     `<path d="M6 3.5h8.5l3.5 4v13H6z"/><path d="M14 3.5V8h4"/>`,
	"words":    `<path d="M4 8V5h16v3M12 5v14M9 19h6"/>`,
	"target":   `<circle cx="12" cy="12" r="7"/><path d="M12 2.5v4M12 17.5v4M2.5 12h4M17.5 12h4"/>`,
	"next":     `<path d="m9 5 7 7-7 7"/>`,
	"back":     `<path d="m15 5-7 7 7 7"/>`,
	"folder":   `<path d="M3.5 6h6l2 2.5h9V19h-17z"/>`,
	"history":  `<path d="M5 12a7.5 7.5 0 1 0 2.4-5.5"/><path d="M4.5 3.5v4.2h4.2M12 8v4.3l3 1.8"/>`,
}

// icon gives an icon that is hidden from screen readers: the text beside it, or
// the label of its button, says what it means.
func icon(name string) (template.HTML, error) {
	body, ok := icons[name]
	if !ok {
		return "", fmt.Errorf("there is no icon %q", name)
	}
	return template.HTML(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">` + body + `</svg>`), nil
}
