/* What a rendered picture is compared with, for the benchmarks only: reads a file of 16-bit samples and takes them through a table
   (pass), and encodes the gray levels by libjpeg-turbo (jpeg); or compresses a file of bytes by zlib at level 1 (zlib). Does it so many
   times, and prints the least processor time in microseconds. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <turbojpeg.h>
#include <zlib.h>

static unsigned char data[1 << 24], gray[1 << 24], out[1 << 24], table[1 << 16];

int main(int argc, char **argv) {
	if (argc != 6)
		return 2;
	int width = atoi(argv[3]), height = atoi(argv[4]);
	double least = 1e30;
	for (int i = 0; i < atoi(argv[5]); i++) {
		struct timespec a, b;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
		FILE *f = fopen(argv[2], "rb");
		if (!f)
			return 1;
		setvbuf(f, NULL, _IONBF, 0);
		size_t n = fread(data, 1, sizeof data, f);
		fclose(f);
		if (!strcmp(argv[1], "zlib")) {
			uLongf size = sizeof out;
			if (compress2(out, &size, data, n, 1) != Z_OK)
				return 1;
		} else {
			for (int v = 0; v < 1 << 16; v++) /* the window 2048, 4096 */
				table[v] = fmin(fmax((v - 2047.5) / 4095 + 0.5, 0), 1) * 255 + 0.5;
			for (int p = 0; p < width * height; p++)
				gray[p] = table[data[2 * p] | data[2 * p + 1] << 8];
		}
		if (!strcmp(argv[1], "jpeg")) {
			tjhandle encoder = tjInitCompress();
			unsigned char *picture = NULL;
			unsigned long size = 0;
			if (tjCompress2(encoder, gray, width, 0, height, TJPF_GRAY, &picture, &size, TJSAMP_GRAY, 90, 0))
				return 1;
			tjFree(picture);
			tjDestroy(encoder);
		}
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
		double t = (b.tv_sec - a.tv_sec) * 1e6 + (b.tv_nsec - a.tv_nsec) / 1e3;
		if (t < least)
			least = t;
	}
	printf("%f\n", least);
	return 0;
}
