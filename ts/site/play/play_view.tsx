/** Play: a model, an image, its nearest mistake. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { type PictureFitOptions, RESIZE_FITS, type ResizeFit } from '../../data/picture_fit.ts';
import { DIGIT_IDS, fetched, MODELS, PHOTOS } from '../catalog.ts';
import { Cancelled, type Engine } from '../engine/engine.ts';
import type { OpenedModel } from '../engine/messages.ts';
import type { PageState } from '../state.ts';
import { Beside } from './beside.tsx';
import { Camera } from './camera.tsx';
import { classList } from './class_list.ts';
import { DigitThumb } from './digit_thumb.tsx';
import { DrawPad } from './draw_pad.tsx';
import { FileDrop } from './file_drop.tsx';
import { imagePixels, OWN } from './image_pixels.ts';
import { ModelFacts } from './model_facts.tsx';
import { FROM_FILE, inputOf, type OwnModel, ownModel } from './own_model.ts';
import { Stage } from './stage.tsx';
import { useSearch } from './use_search.ts';

interface Props {
  engine: Engine;
  state: PageState;
  change: (part: Partial<PageState>) => void;
}

const FITS: Readonly<Record<ResizeFit, string>> = {
  cover: 'cut to the model’s shape',
  contain: 'whole, black around it',
  exact: 'whole, stretched',
};

export function PlayView({ engine, state, change }: Props) {
  const { state: search, search: run, fail } = useSearch(engine);
  const [opened, setOpened] = useState<{ id: string; model: OpenedModel } | undefined>();
  const [classNames, setClassNames] = useState<readonly string[]>([]);
  const [own, setOwn] = useState<OwnModel | undefined>();
  const [ownPicture, setOwnPicture] = useState<Blob | undefined>();
  const [modelError, setModelError] = useState<string | undefined>();
  const [imageError, setImageError] = useState<string | undefined>();
  const [way, setWay] = useState<'draw' | 'camera' | undefined>();
  const [turn, setTurn] = useState(0);
  const latest = useRef(0);

  const known = MODELS.find(({ id }) => id === state.model);
  const photos = known ? known.images === 'photos' : opened?.model.imageShape.includes(3) === true;
  const names = useMemo(() => {
    const count = opened?.model.classes ?? 0;
    if (count === classNames.length) return classNames.map((name) => name.split(',')[0] ?? name);
    return Array.from({ length: count }, (_, k) => String(k));
  }, [opened, classNames]);

  const cropFraction = own?.range === FROM_FILE && !known ? own.preprocessor?.pictures.cropFraction : undefined;
  const fit: PictureFitOptions = {
    resize: state.fit,
    ...(cropFraction === undefined || state.fit === 'contain' ? {} : { cropFraction }),
  };

  // The model of the address, or the user's own.
  useEffect(() => {
    let current = true;
    const load = async () => {
      setModelError(undefined);
      if (!known) {
        if (own === undefined) {
          change({ model: MODELS[0]?.id ?? '', image: 'digit-70', target: null });
          return;
        }
        const input = inputOf(own);
        const check = await engine.check(own.bytes, input);
        if (!current) return;
        if (own.check === undefined) setOwn({ ...own, check });
        if (check.blocked !== undefined) throw new Error(`It cannot be attacked: ${check.blocked}`);
        const model = await engine.open(OWN, own.bytes, input);
        if (current) setOpened({ id: OWN, model });
        return;
      }
      const model = await engine.open(known.id, await fetched(`data/${known.id}.onnx`));
      const list: unknown =
        known.images === 'photos'
          ? JSON.parse(new TextDecoder().decode(await fetched('data/imagenet_classes.json')))
          : [];
      if (!current) return;
      if (Array.isArray(list)) setClassNames(list.map(String));
      setOpened({ id: known.id, model });
    };
    load().catch((error: unknown) => {
      // Cancelled: the search says so.
      if (!current || error instanceof Cancelled) return;
      setOpened(undefined);
      setModelError(error instanceof Error ? error.message : String(error));
    });
    return () => {
      current = false;
    };
  }, [engine, known, known ? undefined : own?.bytes, known ? undefined : JSON.stringify(own && inputOf(own))]);

  // The image of the address as this model takes it, and the search.
  useEffect(() => {
    if (opened === undefined || opened.id !== (known?.id ?? OWN)) return;
    latest.current += 1;
    const mine = latest.current;
    setImageError(undefined);
    const load = async () => {
      const wish = { id: state.image, picture: ownPicture, photos, fit };
      const image = await imagePixels(opened.model.imageShape, wish);
      if (mine !== latest.current) return;
      const target = state.target !== null && state.target < opened.model.classes ? state.target : null;
      await run({ model: opened.id, opened: opened.model, image, target, quantize: state.png ? 8 : 0 });
    };
    load().catch((error: unknown) => {
      if (mine === latest.current) setImageError(error instanceof Error ? error.message : String(error));
    });
  }, [
    opened,
    state.image,
    state.image === OWN ? ownPicture : undefined,
    JSON.stringify(fit),
    state.target,
    state.png,
    turn,
  ]);

  const takeNames = async (file: File) => {
    try {
      setClassNames(classList(await file.text(), own?.check?.classifier?.classes ?? 0));
      setModelError(undefined);
    } catch (error) {
      setModelError(`${file.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const takePreprocessor = async (file: File) => {
    try {
      const { parsePreprocessorConfig } = await import('../../model/preprocessor_config.ts');
      const preprocessor = parsePreprocessorConfig(await file.text(), file.name);
      setOwn((last) => last && { ...last, preprocessor, range: FROM_FILE });
      const { resize } = preprocessor.pictures;
      if (typeof resize === 'string') change({ fit: resize });
      setModelError(undefined);
    } catch (error) {
      setModelError(error instanceof Error ? error.message : String(error));
    }
  };
  const dropModel = async (file: File) => {
    setModelError(undefined);
    const bytes = new Uint8Array(await file.arrayBuffer());
    try {
      const check = await engine.check(bytes);
      if (check.blocked !== undefined) {
        setOwn(ownModel(file.name, bytes, check));
        throw new Error(`It cannot be attacked: ${check.blocked}`);
      }
      const colour = check.classifier?.imageShape.includes(3) === true;
      setOwn(ownModel(file.name, bytes, check));
      setClassNames(await namesInside(bytes, check.classifier?.classes));
      setOpened(undefined);
      change({ model: OWN, image: colour ? PHOTOS[0].id : 'digit-70', target: null, t: 1 });
    } catch (error) {
      setModelError(`${file.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const takePicture = (picture: Blob) => {
    setOwnPicture(picture);
    change({ image: OWN, t: 1 });
    setTurn((last) => last + 1);
  };
  const chooseModel = (id: string) => {
    const next = MODELS.find((model) => model.id === id);
    const kindChanges = (next?.images === 'photos') !== photos;
    setModelError(undefined);
    const image = kindChanges ? { image: next?.images === 'photos' ? PHOTOS[0].id : 'digit-70' } : {};
    change({ model: id, target: null, t: 1, ...image });
  };
  const cancel = () => engine.cancel();

  return (
    <div class="play">
      <div class="play-stage">
        <h1>How far is this model from a mistake?</h1>
        <Stage
          {...{ engine, search, names, state, change }}
          loading={opened === undefined && modelError === undefined}
          onCancel={cancel}
          onRepeat={() => setTurn((last) => last + 1)}
        />
      </div>
      <form class="controls" aria-label="What to attack" onSubmit={(event) => event.preventDefault()}>
        <fieldset>
          <legend>Model</legend>
          {MODELS.map(({ id, name, about }) => (
            <label key={id} class="choice">
              <input type="radio" name="model" checked={state.model === id} onChange={() => chooseModel(id)} />
              <span>
                {name} <small>{about}</small>
              </span>
            </label>
          ))}
          {own && (
            <label class="choice">
              <input type="radio" name="model" checked={state.model === OWN} onChange={() => chooseModel(OWN)} />
              <span>
                {own.name} <small>yours</small>
              </span>
            </label>
          )}
          <FileDrop label="Your own .onnx" accept=".onnx" onFile={dropModel} />
          {modelError && (
            <p class="error" role="alert">
              {modelError}
            </p>
          )}
          {own?.check && !known && (
            <ModelFacts
              own={own}
              check={own.check}
              onChange={(part) => setOwn({ ...own, ...part })}
              onNames={takeNames}
              onPreprocessor={takePreprocessor}
            />
          )}
        </fieldset>
        <fieldset>
          <legend>Image</legend>
          <div class={photos ? 'thumbs large' : 'thumbs'}>
            {photos
              ? PHOTOS.map(({ id, name, file }) => (
                  <button
                    key={id}
                    type="button"
                    aria-pressed={state.image === id}
                    onClick={() => change({ image: id, t: 1, target: null })}
                  >
                    <img src={file} alt={name} width="64" height="64" />
                  </button>
                ))
              : DIGIT_IDS.map((id) => (
                  <button
                    key={id}
                    type="button"
                    aria-pressed={state.image === id}
                    onClick={() => change({ image: id, t: 1, target: null })}
                  >
                    <DigitThumb id={id} onError={fail} />
                  </button>
                ))}
          </div>
          <div class="ways">
            {!photos && (
              <button
                type="button"
                aria-expanded={way === 'draw'}
                onClick={() => setWay(way === 'draw' ? undefined : 'draw')}
              >
                Draw one
              </button>
            )}
            <button
              type="button"
              aria-expanded={way === 'camera'}
              onClick={() => setWay(way === 'camera' ? undefined : 'camera')}
            >
              Camera
            </button>
            <FileDrop label="Your own picture" accept="image/*" onFile={takePicture} />
          </div>
          {state.image === OWN && (
            <label class="field">
              Of another shape, it is
              <select
                value={state.fit}
                onChange={({ currentTarget }) => change({ fit: currentTarget.value as ResizeFit, t: 1 })}
              >
                {RESIZE_FITS.map((each) => (
                  <option key={each} value={each}>
                    {FITS[each]}
                  </option>
                ))}
              </select>
            </label>
          )}
          {way === 'draw' && !photos && <DrawPad onDrawn={takePicture} />}
          {way === 'camera' && <Camera onPicture={takePicture} onClose={() => setWay(undefined)} />}
          {imageError && (
            <p class="error" role="alert">
              {imageError}
            </p>
          )}
        </fieldset>
        <fieldset>
          <legend>Mistake</legend>
          <label class="field">
            To be taken for
            <select
              value={state.target === null ? '' : String(state.target)}
              onChange={({ currentTarget }) =>
                change({ target: currentTarget.value === '' ? null : Number(currentTarget.value), t: 1 })
              }
            >
              <option value="">any other class</option>
              {names.map((name, k) => (
                <option key={k} value={String(k)} disabled={k === search.subject?.answer}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <label class="choice">
            <input type="checkbox" checked={state.png} onChange={() => change({ png: !state.png, t: 1 })} />
            <span>
              Saves as PNG and stays wrong <small>search among 8-bit images</small>
            </span>
          </label>
        </fieldset>
      </form>
      {search.result && search.subject && (
        <Beside
          engine={engine}
          subject={search.subject}
          result={search.result}
          names={names}
          onTarget={(target) => change({ target, t: 1 })}
        />
      )}
    </div>
  );
}

/** Names of its classes that a model's file holds. */
async function namesInside(bytes: Uint8Array, classes: number | undefined): Promise<string[]> {
  const { metadataNames } = await import('../../model/metadata_names.ts');
  return metadataNames(bytes).find((names) => names.length === classes) ?? [];
}
