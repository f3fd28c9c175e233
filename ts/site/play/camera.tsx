/** A picture from the camera. What it sees is shown, and only the picture taken goes on; nothing is sent anywhere. */
import { useEffect, useRef, useState } from 'preact/hooks';

interface Props {
  onPicture: (picture: Blob) => void;
  onClose: () => void;
}

export function Camera({ onPicture, onClose }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  const [ready, setReady] = useState(false);
  const [error, setError] = useState<string | undefined>();
  useEffect(() => {
    let stream: MediaStream | undefined;
    let closed = false;
    const stop = () => {
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
    const start = async () => {
      if (!navigator.mediaDevices) throw new Error('browsers give it to pages of https and of this machine alone');
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
      if (closed) return stop();
      if (video.current) video.current.srcObject = stream;
    };
    start().catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      setError(`No camera: ${why}. Allow it for this page, or choose a picture instead.`);
    });
    return () => {
      closed = true;
      stop();
    };
  }, []);
  const take = async () => {
    if (!video.current) return;
    try {
      const { videoWidth, videoHeight } = video.current;
      const canvas = new OffscreenCanvas(videoWidth, videoHeight);
      canvas.getContext('2d')?.drawImage(video.current, 0, 0);
      onPicture(await canvas.convertToBlob());
    } catch (cause) {
      setError(cause instanceof Error ? cause.message : String(cause));
    }
  };
  return (
    <div class="camera">
      {error ? (
        <p class="error" role="alert">
          {error}
        </p>
      ) : (
        <video
          ref={video}
          autoPlay
          muted
          playsInline
          aria-label="What the camera sees"
          onPlaying={() => setReady(true)}
        />
      )}
      <div class="ways">
        <button type="button" disabled={!ready || error !== undefined} onClick={take}>
          Take this picture
        </button>
        <button type="button" onClick={onClose}>
          Close the camera
        </button>
      </div>
    </div>
  );
}
