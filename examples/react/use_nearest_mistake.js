import { useEffect, useState } from 'react';

/**
 * Searches whenever the model or the image changes; a search that is no longer wanted is ended with its worker.
 * @param model bytes of an ONNX file, or undefined while they are loading.
 * @param image pixels in [0, 1], or undefined.
 * @returns { example, adversarial, error }, all undefined while it searches.
 */
export function useNearestMistake(model, image) {
  const [outcome, setOutcome] = useState({});
  useEffect(() => {
    setOutcome({});
    if (model === undefined || image === undefined) return;
    const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }) => setOutcome(data));
    worker.addEventListener('error', ({ message }) => setOutcome({ error: message }));
    worker.postMessage({ model, image });
    return () => worker.terminate();
  }, [model, image]);
  return outcome;
}
