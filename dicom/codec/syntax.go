package codec

import (
	"context"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// decoder reads the samples of a frame. The Description was checked for dimensions that can be held in memory.
type decoder func(ctx context.Context, d pixel.Description, data []byte) (*pixel.Frame, error)

// syntax is a transfer syntax that carries images: its name in PS3.6 Table A-1, and its decoder, nil if there is none.
type syntax struct {
	name   string
	decode decoder
}

// syntaxes are the transfer syntaxes of PS3.5 Annex A and, as far as images in them are met, those that are retired.
var syntaxes = map[dicom.UID]syntax{
	"1.2.840.10008.1.2":         {"Implicit VR Little Endian", decodeNative},
	"1.2.840.10008.1.2.1":       {"Explicit VR Little Endian", decodeNative},
	"1.2.840.10008.1.2.1.98":    {"Encapsulated Uncompressed Explicit VR Little Endian", decodeNative},
	"1.2.840.10008.1.2.1.99":    {"Deflated Explicit VR Little Endian", decodeNative},
	"1.2.840.10008.1.2.2":       {"Explicit VR Big Endian", decodeNative},
	"1.2.840.10008.1.2.8.1":     {"Deflated Image Frame Compression", decodeDeflated},
	"1.2.840.10008.1.2.5":       {"RLE Lossless", decodeRLE},
	"1.2.840.10008.1.2.4.50":    {"JPEG Baseline (Process 1)", decodeJPEG},
	"1.2.840.10008.1.2.4.51":    {"JPEG Extended (Process 2 & 4)", decodeJPEG},
	"1.2.840.10008.1.2.4.53":    {"JPEG Spectral Selection, Non-Hierarchical (Process 6 & 8)", decodeJPEG},
	"1.2.840.10008.1.2.4.55":    {"JPEG Full Progression, Non-Hierarchical (Process 10 & 12)", decodeJPEG},
	"1.2.840.10008.1.2.4.57":    {"JPEG Lossless, Non-Hierarchical (Process 14)", decodeJPEGLossless},
	"1.2.840.10008.1.2.4.70":    {"JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14)", decodeJPEGLossless},
	"1.2.840.10008.1.2.4.80":    {"JPEG-LS Lossless", decodeJPEGLS},
	"1.2.840.10008.1.2.4.81":    {"JPEG-LS Lossy (Near-Lossless)", decodeJPEGLS},
	"1.2.840.10008.1.2.4.90":    {"JPEG 2000 (Lossless Only)", nil},
	"1.2.840.10008.1.2.4.91":    {"JPEG 2000", nil},
	"1.2.840.10008.1.2.4.92":    {"JPEG 2000 Part 2 Multi-component (Lossless Only)", nil},
	"1.2.840.10008.1.2.4.93":    {"JPEG 2000 Part 2 Multi-component", nil},
	"1.2.840.10008.1.2.4.94":    {"JPIP Referenced", nil},
	"1.2.840.10008.1.2.4.95":    {"JPIP Referenced Deflate", nil},
	"1.2.840.10008.1.2.4.100":   {"MPEG2 Main Profile / Main Level", nil},
	"1.2.840.10008.1.2.4.100.1": {"Fragmentable MPEG2 Main Profile / Main Level", nil},
	"1.2.840.10008.1.2.4.101":   {"MPEG2 Main Profile / High Level", nil},
	"1.2.840.10008.1.2.4.101.1": {"Fragmentable MPEG2 Main Profile / High Level", nil},
	"1.2.840.10008.1.2.4.102":   {"MPEG-4 AVC/H.264 High Profile / Level 4.1", nil},
	"1.2.840.10008.1.2.4.102.1": {"Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1", nil},
	"1.2.840.10008.1.2.4.103":   {"MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1", nil},
	"1.2.840.10008.1.2.4.103.1": {"Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1", nil},
	"1.2.840.10008.1.2.4.104":   {"MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video", nil},
	"1.2.840.10008.1.2.4.104.1": {"Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video", nil},
	"1.2.840.10008.1.2.4.105":   {"MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video", nil},
	"1.2.840.10008.1.2.4.105.1": {"Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video", nil},
	"1.2.840.10008.1.2.4.106":   {"MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2", nil},
	"1.2.840.10008.1.2.4.106.1": {"Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2", nil},
	"1.2.840.10008.1.2.4.107":   {"HEVC/H.265 Main Profile / Level 5.1", nil},
	"1.2.840.10008.1.2.4.108":   {"HEVC/H.265 Main 10 Profile / Level 5.1", nil},
	"1.2.840.10008.1.2.4.110":   {"JPEG XL Lossless", nil},
	"1.2.840.10008.1.2.4.111":   {"JPEG XL JPEG Recompression", nil},
	"1.2.840.10008.1.2.4.112":   {"JPEG XL", nil},
	"1.2.840.10008.1.2.4.201":   {"High-Throughput JPEG 2000 (Lossless Only)", nil},
	"1.2.840.10008.1.2.4.202":   {"High-Throughput JPEG 2000 with RPCL Options (Lossless Only)", nil},
	"1.2.840.10008.1.2.4.203":   {"High-Throughput JPEG 2000", nil},
	"1.2.840.10008.1.2.4.204":   {"JPIP HTJ2K Referenced", nil},
	"1.2.840.10008.1.2.4.205":   {"JPIP HTJ2K Referenced Deflate", nil},
}
