package conformance

import "fmt"

// presentationCases are PS3.18 8.3.5.1.6 and 9.5.2.3: images as a presentation state shows them.
func presentationCases() []Case {
	const pngs = `Accept: multipart/related; type="image/png"`
	rendered := func(t *T, parameters string) *answer {
		return t.get(t.own().gsps.path()+"/rendered"+parameters, pngs)
	}
	named := func(f *fixture) string {
		return "&contentType=image/png&presentationSeriesUID=" + f.gsps.series + "&presentationUID=" + f.gsps.uid
	}
	targets := of(Rendered,
		reads("presentation.referenced", "PS3.18 8.3.5.1.6", Shall, "a presentation state is rendered as the images that it references", func(t *T) {
			parts := rendered(t, "?viewport=16,16").optional().status(200, 206).parts("image/png")
			if len(parts) != 1 {
				t.failGot(fmt.Sprintf("%d parts", len(parts)), "one part")
			}
			picture := t.decode(parts[0].body)
			in := t.data.ct[0]
			t.wantSize(picture, in.columns, in.rows)
			for x := range in.columns { // the first row, mirrored, through the window of the state
				i := 2 * (in.columns - 1 - x)
				stored := float64(int16(uint16(in.frames[0][i]) | uint16(in.frames[0][i+1])<<8))
				want := min(max((stored-49.5)/100+0.5, 0), 1) * 255
				if got := float64(gray(picture, x, 0)); got < want-1.01 || got > want+1.01 {
					t.failGot(fmt.Sprintf("%v in column %d", got, x), "%.1f: the state's window 50, 101, mirrored", want)
				}
			}
		}),
		reads("presentation.window", "PS3.18 8.3.5.1.4", Shall, "window with a presentation state is answered 400", func(t *T) {
			rendered(t, "").optional()
			rendered(t, "?window=100,200,linear").status(400)
		}),
		reads("presentation.region", "PS3.18 8.3.5.1.3", Shall, "a viewport with a region is answered 400 for a presentation state", func(t *T) {
			rendered(t, "").optional()
			rendered(t, "?viewport=16,16,0,0,8,8").status(400)
		}),
		reads("presentation.frame", "PS3.18 8.3.5.1.6", Shall, "a frame of a presentation state is answered 400 or 404", func(t *T) {
			rendered(t, "").optional()
			t.get(t.data.gsps.path()+"/frames/1/rendered", acceptPNG).status(400, 404)
		}),
	)
	parameters := of(URI,
		reads("presentation.applied", "PS3.18 9.5.2.3", Shall, "presentationUID shows the image as the state has it", func(t *T) {
			f := t.own()
			plain := t.uriGet(f.ct[0], "&contentType=image/png", "Accept: */*").status(200).picture("image/png")
			shown := t.uriGet(f.ct[0], named(f), "Accept: */*").optional().status(200).picture("image/png")
			if gray(plain, 0, 0) == gray(shown, 0, 0) && gray(plain, 15, 0) == gray(shown, 15, 0) {
				t.fail("the picture mirrored")
			}
		}),
		reads("presentation.one", "PS3.18 9.5.1.2.7", Shall, "one of the two presentation parameters alone is answered 400", func(t *T) {
			f := t.own()
			t.uriGet(f.ct[0], "&contentType=image/png&presentationUID="+f.gsps.uid, "Accept: */*").status(400)
		}),
		reads("presentation.window", "PS3.18 9.5.1.2.6", Shall, "a window beside a presentation state is answered 400", func(t *T) {
			f := t.own()
			t.uriGet(f.ct[0], named(f)+"&windowCenter=100&windowWidth=200", "Accept: */*").status(400)
		}),
		reads("presentation.unknown", "PS3.18 9.5.2.3", Shall, "a presentation state that does not exist is answered 400 or 404", func(t *T) {
			f := t.own()
			t.uriGet(f.ct[0], "&contentType=image/png&presentationSeriesUID="+f.gsps.series+"&presentationUID="+unknownUID, "Accept: */*").status(400, 404)
		}),
	)
	return append(targets, parameters...)
}
