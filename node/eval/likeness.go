package eval

// barrier is a character that matches nothing and that no match reaches over.
const barrier = rune(0)

// nearest gives the part text[from:to] that is most like pattern, by the least
// number of characters to insert, drop or exchange, and that number: approximate
// string matching after Sellers, "The theory and computation of evolutionary
// distances", 1980. Of equals, the first wins. mayStart and mayEnd say where a
// part may begin and end; nil means anywhere. With nothing allowed, or with
// nothing nearer than dropping the whole pattern, from equals to.
func nearest(pattern, text []rune, mayStart, mayEnd func(i int) bool) (errors, from, to int) {
	type cell struct{ cost, start int }
	const far = 1 << 30
	begin := func(j int) cell {
		if mayStart != nil && !mayStart(j) {
			return cell{far, j}
		}
		return cell{0, j}
	}
	m := len(pattern)
	col := make([]cell, m+1) // of the text position before
	next := make([]cell, m+1)
	fresh := func(c []cell, j int) {
		c[0] = begin(j)
		for i := 1; i <= m; i++ {
			c[i] = cell{c[i-1].cost + 1, j}
		}
	}
	fresh(col, 0)
	best := cell{m, 0}
	end := 0
	for j, r := range text {
		if r == barrier {
			fresh(next, j+1)
			col, next = next, col
			continue
		}
		next[0] = begin(j + 1)
		for i := 1; i <= m; i++ {
			c := col[i-1] // exchanged, or the same
			if pattern[i-1] != r {
				c.cost++
			}
			if d := col[i].cost + 1; d < c.cost { // r is too much
				c = cell{d, col[i].start}
			}
			if d := next[i-1].cost + 1; d < c.cost { // pattern[i-1] is lost
				c = cell{d, next[i-1].start}
			}
			next[i] = c
		}
		if next[m].cost < best.cost && (mayEnd == nil || mayEnd(j+1)) {
			best, end = next[m], j+1
		}
		col, next = next, col
	}
	if end == 0 {
		return m, 0, 0
	}
	return best.cost, best.start, end
}

// distance is the least number of characters to insert, drop or exchange that make
// a into b (Levenshtein).
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := diagonal
			if x != y {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// exact gives where pattern stands in text as whole words, or -1.
func exact(pattern, text []rune) int {
	free := func(i int) bool { return i < 0 || i >= len(text) || text[i] == ' ' || text[i] == barrier }
search:
	for at := 0; at+len(pattern) <= len(text); at++ {
		if text[at] != pattern[0] || !free(at-1) || !free(at+len(pattern)) {
			continue
		}
		for i, r := range pattern {
			if text[at+i] != r {
				continue search
			}
		}
		return at
	}
	return -1
}
