package dicom

import "slices"

// TransferSyntax is what PS3.5 Annex A says of a transfer syntax.
type TransferSyntax struct {
	UID          UID
	Name         string // PS3.6 A: "JPEG Baseline (Process 1)"
	MediaType    string // of its frames (PS3.18 8.7.3.3): "image/jpeg"; "application/octet-stream" where that has no other
	Encapsulated bool   // pixel data lies in fragments (PS3.5 A.4)
	ImplicitVR   bool
	BigEndian    bool
	Deflated     bool // the data set is, behind the File Meta Information (PS3.5 A.5)
	Lossy        bool // pixels may have been changed when they were encoded
}

// The transfer syntaxes that the code names, by their keywords (PS3.6 A).
const (
	ImplicitVRLittleEndian         UID = "1.2.840.10008.1.2"
	ExplicitVRLittleEndian         UID = "1.2.840.10008.1.2.1"
	EncapsulatedUncompressed       UID = "1.2.840.10008.1.2.1.98"
	DeflatedExplicitVRLittleEndian UID = "1.2.840.10008.1.2.1.99"
	ExplicitVRBigEndian            UID = "1.2.840.10008.1.2.2"
	JPEGBaseline8Bit               UID = "1.2.840.10008.1.2.4.50"
	JPEGExtended12Bit              UID = "1.2.840.10008.1.2.4.51"
	JPEGLossless                   UID = "1.2.840.10008.1.2.4.57"
	JPEGLosslessSV1                UID = "1.2.840.10008.1.2.4.70"
	JPEGLSLossless                 UID = "1.2.840.10008.1.2.4.80"
	JPEGLSNearLossless             UID = "1.2.840.10008.1.2.4.81"
	JPEG2000Lossless               UID = "1.2.840.10008.1.2.4.90"
	JPEG2000                       UID = "1.2.840.10008.1.2.4.91"
	HTJ2KLossless                  UID = "1.2.840.10008.1.2.4.201"
	HTJ2KLosslessRPCL              UID = "1.2.840.10008.1.2.4.202"
	HTJ2K                          UID = "1.2.840.10008.1.2.4.203"
	RLELossless                    UID = "1.2.840.10008.1.2.5"
	DeflatedImageFrameCompression  UID = "1.2.840.10008.1.2.8.1"
)

// TransferSyntaxOf returns what is known of a transfer syntax. Of one that is unknown it returns, with false, what has been true
// of every one that was added in the last decades: explicit VR little endian, pixel data encapsulated, frames without a media
// type of their own.
func TransferSyntaxOf(uid UID) (TransferSyntax, bool) {
	for i := range transferSyntaxes {
		if transferSyntaxes[i].UID == uid {
			return transferSyntaxes[i], true
		}
	}
	return TransferSyntax{UID: uid, MediaType: octetStream, Encapsulated: true}, false
}

// TransferSyntaxes returns those that are known, native ones first.
func TransferSyntaxes() []TransferSyntax { return slices.Clone(transferSyntaxes[:]) }

const octetStream = "application/octet-stream"

func native(uid UID, name string) TransferSyntax {
	return TransferSyntax{UID: uid, Name: name, MediaType: octetStream}
}

func lossless(uid UID, name, mediaType string) TransferSyntax {
	return TransferSyntax{UID: uid, Name: name, MediaType: mediaType, Encapsulated: true}
}

func lossy(uid UID, name, mediaType string) TransferSyntax {
	return TransferSyntax{UID: uid, Name: name, MediaType: mediaType, Encapsulated: true, Lossy: true}
}

// transferSyntaxes are those of PS3.6 Table A-1, with the media types of PS3.18 Table 8.7.3-5; the retired JPEG processes have the
// media type of the others.
var transferSyntaxes = [...]TransferSyntax{
	native(ExplicitVRLittleEndian, "Explicit VR Little Endian"),
	{UID: ImplicitVRLittleEndian, Name: "Implicit VR Little Endian", MediaType: octetStream, ImplicitVR: true},
	{UID: ExplicitVRBigEndian, Name: "Explicit VR Big Endian", MediaType: octetStream, BigEndian: true},
	{UID: DeflatedExplicitVRLittleEndian, Name: "Deflated Explicit VR Little Endian", MediaType: octetStream, Deflated: true},
	lossless(EncapsulatedUncompressed, "Encapsulated Uncompressed Explicit VR Little Endian", octetStream),
	lossless(DeflatedImageFrameCompression, "Deflated Image Frame Compression", octetStream),
	lossless(RLELossless, "RLE Lossless", "image/dicom-rle"),

	lossy(JPEGBaseline8Bit, "JPEG Baseline (Process 1)", "image/jpeg"),
	lossy(JPEGExtended12Bit, "JPEG Extended (Process 2 & 4)", "image/jpeg"),
	lossy("1.2.840.10008.1.2.4.52", "JPEG Extended (Process 3 & 5)", "image/jpeg"),
	lossy("1.2.840.10008.1.2.4.53", "JPEG Spectral Selection, Non-Hierarchical (Process 6 & 8)", "image/jpeg"),
	lossy("1.2.840.10008.1.2.4.54", "JPEG Spectral Selection, Non-Hierarchical (Process 7 & 9)", "image/jpeg"),
	lossy("1.2.840.10008.1.2.4.55", "JPEG Full Progression, Non-Hierarchical (Process 10 & 12)", "image/jpeg"),
	lossy("1.2.840.10008.1.2.4.56", "JPEG Full Progression, Non-Hierarchical (Process 11 & 13)", "image/jpeg"),
	lossless(JPEGLossless, "JPEG Lossless, Non-Hierarchical (Process 14)", "image/jpeg"),
	lossless("1.2.840.10008.1.2.4.58", "JPEG Lossless, Non-Hierarchical (Process 15)", "image/jpeg"),
	lossy("1.2.840.10008.1.2.4.59", "JPEG Extended, Hierarchical (Process 16 & 18)", "image/jpeg"),
	lossy("1.2.840.10008.1.2.4.60", "JPEG Extended, Hierarchical (Process 17 & 19)", "image/jpeg"),
	lossy("1.2.840.10008.1.2.4.61", "JPEG Spectral Selection, Hierarchical (Process 20 & 22)", "image/jpeg"),
	lossy("1.2.840.10008.1.2.4.62", "JPEG Spectral Selection, Hierarchical (Process 21 & 23)", "image/jpeg"),
	lossy("1.2.840.10008.1.2.4.63", "JPEG Full Progression, Hierarchical (Process 24 & 26)", "image/jpeg"),
	lossy("1.2.840.10008.1.2.4.64", "JPEG Full Progression, Hierarchical (Process 25 & 27)", "image/jpeg"),
	lossless("1.2.840.10008.1.2.4.65", "JPEG Lossless, Hierarchical (Process 28)", "image/jpeg"),
	lossless("1.2.840.10008.1.2.4.66", "JPEG Lossless, Hierarchical (Process 29)", "image/jpeg"),
	lossless(JPEGLosslessSV1, "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1])", "image/jpeg"),

	lossless(JPEGLSLossless, "JPEG-LS Lossless Image Compression", "image/jls"),
	lossy(JPEGLSNearLossless, "JPEG-LS Lossy (Near-Lossless) Image Compression", "image/jls"),
	lossless(JPEG2000Lossless, "JPEG 2000 Image Compression (Lossless Only)", "image/jp2"),
	lossy(JPEG2000, "JPEG 2000 Image Compression", "image/jp2"),
	lossless("1.2.840.10008.1.2.4.92", "JPEG 2000 Part 2 Multi-component Image Compression (Lossless Only)", "image/jpx"),
	lossy("1.2.840.10008.1.2.4.93", "JPEG 2000 Part 2 Multi-component Image Compression", "image/jpx"),
	lossless(HTJ2KLossless, "High-Throughput JPEG 2000 Image Compression (Lossless Only)", "image/jphc"),
	lossless(HTJ2KLosslessRPCL, "High-Throughput JPEG 2000 with RPCL Options Image Compression (Lossless Only)", "image/jphc"),
	lossy(HTJ2K, "High-Throughput JPEG 2000 Image Compression", "image/jphc"),
	lossless("1.2.840.10008.1.2.4.110", "JPEG XL Lossless", "image/jxl"),
	lossy("1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression", "image/jxl"),
	lossy("1.2.840.10008.1.2.4.112", "JPEG XL", "image/jxl"),

	// The pixel data is on a JPIP server (PS3.5 A.6, A.7).
	native("1.2.840.10008.1.2.4.94", "JPIP Referenced"),
	{UID: "1.2.840.10008.1.2.4.95", Name: "JPIP Referenced Deflate", MediaType: octetStream, Deflated: true},
	native("1.2.840.10008.1.2.4.204", "JPIP HTJ2K Referenced"),
	{UID: "1.2.840.10008.1.2.4.205", Name: "JPIP HTJ2K Referenced Deflate", MediaType: octetStream, Deflated: true},

	lossy("1.2.840.10008.1.2.4.100", "MPEG2 Main Profile / Main Level", "video/mpeg"),
	lossy("1.2.840.10008.1.2.4.100.1", "Fragmentable MPEG2 Main Profile / Main Level", "video/mpeg"),
	lossy("1.2.840.10008.1.2.4.101", "MPEG2 Main Profile / High Level", "video/mpeg"),
	lossy("1.2.840.10008.1.2.4.101.1", "Fragmentable MPEG2 Main Profile / High Level", "video/mpeg"),
	lossy("1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264 High Profile / Level 4.1", "video/mp4"),
	lossy("1.2.840.10008.1.2.4.102.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1", "video/mp4"),
	lossy("1.2.840.10008.1.2.4.103", "MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1", "video/mp4"),
	lossy("1.2.840.10008.1.2.4.103.1", "Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1", "video/mp4"),
	lossy("1.2.840.10008.1.2.4.104", "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video", "video/mp4"),
	lossy("1.2.840.10008.1.2.4.104.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video", "video/mp4"),
	lossy("1.2.840.10008.1.2.4.105", "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video", "video/mp4"),
	lossy("1.2.840.10008.1.2.4.105.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video", "video/mp4"),
	lossy("1.2.840.10008.1.2.4.106", "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2", "video/mp4"),
	lossy("1.2.840.10008.1.2.4.106.1", "Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2", "video/mp4"),
	lossy("1.2.840.10008.1.2.4.107", "HEVC/H.265 Main Profile / Level 5.1", "video/H265"),
	lossy("1.2.840.10008.1.2.4.108", "HEVC/H.265 Main 10 Profile / Level 5.1", "video/H265"),
}
