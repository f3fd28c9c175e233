/** A button that takes a file, dropped or chosen. */
import { useState } from 'preact/hooks';

interface Props {
  label: string;
  accept: string;
  onFile: (file: File) => void;
}

export function FileDrop({ label, accept, onFile }: Props) {
  const [over, setOver] = useState(false);
  return (
    <label
      class={over ? 'drop over' : 'drop'}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const file = event.dataTransfer?.files[0];
        if (file) onFile(file);
      }}
    >
      <input
        type="file"
        accept={accept}
        onChange={({ currentTarget }) => {
          const file = currentTarget.files?.[0];
          // The same file again is a wish, too.
          currentTarget.value = '';
          if (file) onFile(file);
        }}
      />
      {label}
      <small>drop or choose</small>
    </label>
  );
}
