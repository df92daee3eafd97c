package dicomtest

import "github.com/noctis-dicom/noctis/dicom"

// Document encapsulates a document (PS3.3 A.45), a PDF or what else the media type says.
func Document(mediaType string, content []byte) Instance {
	length := len(content)
	if length%2 == 1 {
		content = append(content[:length:length], 0)
	}
	ds := Series{chest, 7, "DOC", "Document " + mediaType}.Instance("1.2.840.10008.5.1.4.1.1.104.1", 1)
	set(ds,
		dicom.ConversionType, "WSD", dicom.BurnedInAnnotation, "NO", dicom.DocumentTitle, "Document",
		dicom.MIMETypeOfEncapsulatedDocument, mediaType, dicom.EncapsulatedDocumentLength, length, dicom.EncapsulatedDocument, content)
	return Instance{DataSet: ds, TransferSyntax: dicom.ExplicitVRLittleEndian}
}
