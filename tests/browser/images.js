// Pictures of the stories' states for docs/images, where VIGIE_IMAGES names a folder. The story that VIGIE_FRAMES is set for is also told
// by a moving one.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = process.env.VIGIE_IMAGES;
let frames = 0;

export async function shoot(page, state, width) {
  if (!FOLDER) return;
  // Where the mouse shows nothing.
  await page.mouse.move(600, 2);
  await picture(page, join(FOLDER, `${state}${width === 'narrow' ? '-phone' : ''}.png`));
}

// One more frame of the moving picture.
export async function frame(page) {
  if (!FOLDER || !process.env.VIGIE_FRAMES) return;
  mkdirSync(join(FOLDER, 'frames'), { recursive: true });
  frames += 1;
  await picture(page, join(FOLDER, 'frames', `${String(frames).padStart(3, '0')}.png`));
}

function picture(page, path) {
  return page.screenshot({ path, caret: 'hide' });
}
