/** The font of figures, which travels with the package (figure_png.ts). */
export const FIGURE_FONT = 'Inter';
